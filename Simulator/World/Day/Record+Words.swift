internal import ToteClient
internal import ToteCore

extension Stamped {
    /// What happened, in a line for who watches; `nil` for what only its judge reads.
    package var words: String? {
        switch record {
        case .began(let customers, let devices, let rates):
            "\(devices) devices of \(customers) customers, faults: "
                + rates.keys.sorted().map(\.rawValue).joined(separator: ", ")
        case .acted(let device, _, let act, _, let writes, let order):
            "device \(device)  \(act.rawValue)"
                + (order.map { " order \($0.text.prefix(8))" } ?? "")
                + writes.map { " \($0.words)" }.joined()
        case .sent(let device, let request, let kind, let changes, _):
            "device \(device)  \(kind) \(request)"
                + (changes.isEmpty ? "" : ", changes: \(changes.count)")
        case .answered(let device, let request, let status, _, let events, _):
            "device \(device)  is answered \(status) to \(request)"
                + (events.isEmpty ? "" : ", events: \(events.count)")
        case .dropped(let device, let request):
            "device \(device)  drops a late answer to \(request)"
        case .struck(let fault, let device):
            (device.map { "device \($0)" } ?? "everybody") + "  FAULT \(fault.rawValue)"
        case .counter(let counter, let what, let order, let status):
            "counter \(counter)  \(what) \(order.text.prefix(8)): \(status)"
        case .availability(let sku, let isOut, let status):
            "counter 0  \(sku) is \(isOut ? "sold out" : "there again"): \(status)"
        case .handedOff(let device, let id, let status):
            "counter  takes hand-off \(id.text.prefix(8)) of device \(device): \(status)"
        case .priced(let order, let total): "order \(order.text.prefix(8)) is to cost \(total)"
        case .gave(let customer, let units, _): "operator  gives \(units) to customer \(customer)"
        case .healed: "everybody  no fault from here on"
        case .settled: "everybody  is settled"
        case .redeemed(let customer, _, let units):
            "counter  gives something to customer \(customer) for \(units) points"
        case .logged, .shows, .counts, .entry, .ticketed, .drew, .found: nil
        }
    }
}

extension Record.Write {
    fileprivate var words: String {
        let amount =
            switch counted {
            case .base(let amount): "=\(amount)"
            case .delta(let amount): amount < 0 ? "\(amount)" : "+\(amount)"
            case nil: isCell ? "" : " gone"
            }
        return "\(key.collection.text) \(key.item.text) \(key.field.text)\(amount)"
    }
}
