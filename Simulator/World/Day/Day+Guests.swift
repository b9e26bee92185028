internal import ToteClient
internal import ToteCore

// A user who is signed out goes on as a guest, whose documents join the account when they sign in.
extension Phone {
    /// A guest's file beside the account's.
    struct Guest {
        var image: [UInt8]
        /// Whether the user has signed in: from then on it is the account's, whatever happens.
        var joins = false
        /// How often the app ends before the file is removed.
        var repeats = 0
    }
}

extension Day {
    /// What a guest does, and maybe signs in then.
    func beGuest(_ phone: Phone) throws {
        guard phone.guest?.joins != true else { return try join(phone) }
        let replica = try guest(phone.guest?.image)
        for _ in 0..<1 + people.below(4) {
            let writes = EditDraw.writes(
                in: replica.view, collection: "cart:main", item: EditDraw.item(&people), &people)
            let seen = writes.map { write in
                Record.Write(
                    key: write.key, isCell: write.payload != nil,
                    counted: Record.Counted(write.payload),
                    saw: write.replaces.compactMap { dot in
                        replica.pending.first { $0.dot == dot }?.change.nonce
                    })
            }
            guard let nonce = try replica.commit(writes, at: phone.reading(now)) else { continue }
            known.insert(nonce)
            note(
                .acted(
                    device: phone.number, customer: phone.customer, .guest, nonce, seen,
                    order: nil))
        }
        phone.guest = Phone.Guest(
            image: try replica.image(), joins: people.chance(60), repeats: people.below(3))
        try join(phone)
    }

    private func guest(_ image: [UInt8]?) throws -> Replica {
        let ids = ids
        return try Replica(image: image, random: { ids.next() })
    }

    /// Takes a guest in, as far as there is room, as the app's shell does: when the user signs in,
    /// at each start, and when something was sent.
    func join(_ phone: Phone) throws {
        guard var guest = phone.guest, guest.joins, phone.isRunning else { return }
        let replica = try self.guest(guest.image)
        // Some apps ask nobody how a cart is to join.
        let policy: CartPolicy? = phone.number.isMultiple(of: 2) ? .union : nil
        let isIn: Bool? = try attempt(phone, Phone.Unsure(act: .guest)) { () throws(ToteError) in
            guard try phone.replica.hasRoom(for: replica, carts: policy) else { return false }
            try phone.replica.adopt(replica, carts: policy)
            return true
        }
        guard isIn == true else { return }
        for entry in phone.replica.pending where !known.contains(entry.change.nonce) {
            guard case .join? = entry.change.readableIntent else { continue }
            note(Phone.Unsure(act: .guest), entry.change.nonce, by: phone)
        }
        guest.repeats -= 1
        phone.guest = guest.repeats < 0 ? nil : guest
        try feed(phone, .localChange)
    }
}
