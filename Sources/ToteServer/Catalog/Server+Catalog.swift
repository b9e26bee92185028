package import ToteCore

// The catalogue's routes: Protocol/orders.md section 13.1.

extension Server {
    /// The catalogue in force; `nil` before the first import.
    package var catalog: Catalog? { catalogs.current?.catalog }

    /// `GET /v1/catalog`.
    func serveCatalog(_ request: ServerRequest) throws -> ServerResponse {
        guard let current = catalogs.current else {
            throw Problem(
                404, "no_catalog", "no catalogue has been imported yet: `tote catalog import FILE`")
        }
        let tag = "\"\(current.catalog.version)\""
        let isKnown = request.ifNoneMatch.map { EntityTag.list($0, names: tag) } ?? false
        var response = ServerResponse(
            status: isKnown ? 304 : 200, body: isKnown ? [] : current.bytes)
        response.headers.append(("ETag", tag))
        response.headers.append(("Cache-Control", "private, no-cache"))
        return response
    }

    /// The full slots as they are served, with their entity tag; made anew when an order or the
    /// catalogue has changed, and each hour.
    private func fullSlots() throws -> (body: [UInt8], tag: String) {
        let hour = clock / 3_600_000
        if let slots, slots.hour == hour { return (slots.body, slots.tag) }
        var full: [String: [UInt64]] = [:]
        // A slot that has begun may still be ordered for.
        for slot in try store.slotUses(from: clock - min(clock, 86_400_000)) {
            guard let shop = catalog?.store(slot.store), slot.used >= shop.slotCapacity,
                shop.slot(of: slot.start) == slot.start
            else { continue }
            full[slot.store, default: []].append(slot.start)
        }
        let body = Encoding.json.encode(
            .map(["full": .map(full.mapValues { .array($0.map { .int(Int64($0)) }) })]))
        let tag = "\"\(Hex.string(Array(SHA256.digest(body).prefix(8))))\""
        slots = (hour, body, tag)
        return (body, tag)
    }

    /// `GET /v1/slots`: which slots have no room, so that a device finds a store that has one.
    func serveSlots(_ request: ServerRequest) throws -> ServerResponse {
        let (body, tag) = try fullSlots()
        let isKnown = request.ifNoneMatch.map { EntityTag.list($0, names: tag) } ?? false
        var response = ServerResponse(status: isKnown ? 304 : 200, body: isKnown ? [] : body)
        response.headers.append(("ETag", tag))
        response.headers.append(("Cache-Control", "private, no-cache"))
        return response
    }

    /// `POST /v1/admin/catalog`: all of it comes into force, or nothing.
    func importCatalog(_ request: ServerRequest) throws -> ServerResponse {
        if let wanted = request.ifMatch {
            let tag = "\"\(catalog?.version ?? 0)\""
            guard EntityTag.list(wanted, names: tag) else {
                throw Problem(
                    412, "version_moved", "the catalogue in force is \(tag), not \(wanted)",
                    members: [Value.Entry("version", .int(catalog?.version ?? 0))])
            }
        }
        guard request.body.count <= Catalog.bytesMax else {
            throw Problem(413, "body_too_large", "at most \(Catalog.bytesMax) bytes")
        }
        let value: Value
        do {
            value = try Encoding.json.value(request.body)
        } catch {
            throw Problem.malformed(error)
        }
        let read: Catalog
        do {
            read = try Catalog(imported: value)
        } catch {
            throw Problem.catalogInvalid(error.faults)
        }
        let catalog = try replaceCatalog(with: read)
        return ServerResponse(
            status: 200,
            body: Encoding.json.encode(
                .map([
                    "version": .int(catalog.version),
                    "products": .int(Int64(catalog.products.count)),
                    "stores": .int(Int64(catalog.stores.count)),
                ])))
    }

    /// Puts a catalogue in force within the open group, under the next version.
    func replaceCatalog(with catalog: Catalog) throws -> Catalog {
        slots = nil
        return try catalogs.replace(with: catalog, at: clock)
    }
}

/// Entity tags in conditional requests (RFC 9110 section 8.8.3).
enum EntityTag {
    /// Whether an `If-None-Match` or `If-Match` field names a tag, or all of them. Ours hold no
    /// commas; a weak one matches too, since what it stands for is the same.
    static func list(_ field: String, names tag: String) -> Bool {
        field.split(separator: ",").contains { part in
            var part = part.drop { $0 == " " || $0 == "\t" }
            while part.last == " " || part.last == "\t" { part.removeLast() }
            if part.hasPrefix("W/") { part = part.dropFirst(2) }
            return part == "*" || part == tag
        }
    }
}
