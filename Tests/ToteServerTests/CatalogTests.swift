import Testing
import ToteCore
import ToteSQLite
import ToteServer

@Suite struct CatalogRouteTests {
    private func get(
        _ server: TestServer, tag: String? = nil, token: String? = nil
    ) throws -> ServerResponse {
        var request = ServerRequest(method: "GET", path: ["v1", "catalog"], requestID: "r")
        request.authorization = "Bearer \(token ?? server.token)"
        request.ifNoneMatch = tag
        return try server.answer(request)
    }

    @discardableResult
    private func importDemo(_ server: TestServer) throws -> ServerResponse {
        try server.admin("POST", "v1/admin/catalog", DemoCatalog.json)
    }

    private func tag(_ response: ServerResponse) -> String? {
        response.headers.first { $0.name == "ETag" }?.value
    }

    @Test func `before the first import there is none`() throws {
        let answer = try get(try TestServer())
        #expect(answer.status == 404 && answer.code == "no_catalog")
    }

    @Test func `what was imported is served to any token, with an entity tag`() throws {
        let server = try TestServer()
        let answer = try importDemo(server)
        #expect(answer.status == 200)
        let said = try server.value(answer)
        #expect(said["version"] == .int(1) && said["stores"] == .int(3))
        #expect(said["products"]?.intValue ?? 0 >= 40)
        for role in ["customer", "staff", "manager"] {
            let token = try server.mint(
                "{\"spaces\":[{\"space\":\"customer:c-9\"}],\"role\":\"\(role)\"}")
            let served = try get(server, token: token)
            #expect(served.status == 200 && tag(served) == "\"1\"")
            let catalog = try Catalog(server.value(served))
            #expect(catalog.importedValue == DemoCatalog.catalog().importedValue)
            #expect(catalog.version == 1)
        }
        #expect(try get(server, token: "tote_x").status == 401)
    }

    @Test(arguments: [
        ("\"1\"", 304), ("W/\"1\"", 304), ("\"0\", \"1\"", 304), ("*", 304), ("\"2\"", 200),
        ("1", 200), ("\"11\"", 200), ("", 200),
    ])
    func `a catalogue that is known is not sent again`(tag: String, status: Int) throws {
        let server = try TestServer()
        try importDemo(server)
        let answer = try get(server, tag: tag)
        #expect(answer.status == status)
        #expect(answer.body.isEmpty == (status == 304))
        #expect(self.tag(answer) == "\"1\"")
    }

    @Test func `only admins and the operator import`() throws {
        let server = try TestServer()
        for role in ["customer", "staff", "manager", "admin"] {
            let token = try server.mint(
                "{\"spaces\":[{\"space\":\"customer:c-9\"}],\"role\":\"\(role)\"}")
            var request = ServerRequest(
                method: "POST", path: ["v1", "admin", "catalog"], requestID: "r")
            request.body = Array(DemoCatalog.json.utf8)
            request.authorization = "Bearer \(token)"
            #expect(try server.answer(request).status == (role == "admin" ? 200 : 404))
        }
        #expect(server.server.catalog?.version == 1)
    }

    @Test func `a faulty catalogue changes nothing and is told all its faults`() throws {
        let server = try TestServer()
        try importDemo(server)
        let before = try server.dump()
        let faulty = DemoCatalog.json
            .replacing(#""sku":"cortado""#, with: #""sku":"latte""#)
            .replacing(#""tax":"goods""#, with: #""tax":"gods""#)
        let answer = try server.admin("POST", "v1/admin/catalog", faulty)
        #expect(answer.status == 422 && answer.code == "catalog_invalid")
        guard case .array(let errors)? = try server.value(answer)["errors"] else {
            throw TestFailure("no errors")
        }
        #expect(errors.contains { $0["code"] == .text("duplicate") })
        #expect(errors.filter { $0["code"] == .text("tax_missing") }.count == 3)
        #expect(errors.allSatisfy { $0["path"]?.textValue?.isEmpty == false })
        for (body, code) in [("{", "malformed"), ("[]", "catalog_invalid"), ("", "malformed")] {
            #expect(try server.admin("POST", "v1/admin/catalog", body).code == code)
        }
        #expect(try server.dump() == before)
        #expect(try get(server, tag: "\"1\"").status == 304)
    }

    @Test func `each import is the next version, and the last ones are kept`() throws {
        var server = try TestServer()
        for version in 1...23 {
            #expect(try server.value(try importDemo(server))["version"] == .int(Int64(version)))
        }
        let kept = try server.store.database.rows("SELECT version FROM catalogs") { $0.int(0) }
        #expect(kept == Array(4...23))
        let bytes = try get(server).body
        server = try server.reopened()
        #expect(try get(server).body == bytes)
        #expect(try server.value(try importDemo(server))["version"] == .int(24))
        #expect(try server.faults() == [])
    }

    @Test func `a group that is rolled back takes its catalogue with it`() throws {
        let server = try TestServer()
        try importDemo(server)
        try server.server.begin()
        var request = ServerRequest(
            method: "POST", path: ["v1", "admin", "catalog"], requestID: "r")
        request.isOperator = true
        request.body = Array(DemoCatalog.json.utf8)
        _ = try server.server.handle(request, at: server.now)
        #expect(server.server.catalog?.version == 2)
        try server.server.rollBack()
        #expect(server.server.catalog?.version == 1)
        #expect(try get(server, tag: "\"1\"").status == 304)
    }

    @Test func `an import that names a version replaces that one alone`() throws {
        let server = try TestServer()
        func send(_ tag: String) throws -> ServerResponse {
            var request = ServerRequest(
                method: "POST", path: ["v1", "admin", "catalog"], requestID: "r")
            request.isOperator = true
            request.ifMatch = tag
            request.body = Array(DemoCatalog.json.utf8)
            return try server.answer(request)
        }
        try importDemo(server)
        #expect(try send("\"1\"").status == 200)
        let late = try send("\"1\"")
        #expect(late.status == 412 && late.code == "version_moved")
        #expect(try server.value(late)["version"] == .int(2))
    }

    @Test func `a catalogue that cannot be read stops the start and shows in verify`() throws {
        let server = try TestServer()
        try importDemo(server)
        try server.store.database.execute("UPDATE catalogs SET body = x'7B7D'")
        #expect(try server.faults().contains { $0.contains("catalogue 1") })
        #expect(throws: StoreError.self) { try server.reopened() }
    }

    @Test func `the demo café is believable and open at any hour`() throws {
        let catalog = DemoCatalog.catalog()
        #expect(catalog.products.count >= 40 && catalog.stores.count == 3)
        #expect(Set(catalog.stores.map(\.currency)) == ["EUR", "USD", "JPY"])
        #expect(catalog.stores.filter { !$0.taxIncluded }.map(\.currency) == ["USD"])
        for product in catalog.products {
            #expect(product.names["en"] != nil && product.names["fr"] != nil, "\(product.sku)")
        }
        let used = Set(catalog.products.flatMap(\.groups))
        #expect(used == Set(catalog.groups.map(\.id)))
        #expect(Set(catalog.products.compactMap(\.category)).count == catalog.categories.count)
        for store in catalog.stores {
            for year in 0..<70 {
                #expect(store.isOpen(at: 1_790_000_000_000 + UInt64(year) * 31_556_952_000))
            }
            // Each product, with what it needs, can be had at nearly every store.
            let lines = catalog.products.map { product in
                var options: [String: String] = [:]
                for group in product.groups.compactMap({ catalog.group($0) }) where group.min > 0 {
                    options[group.id] = group.default
                }
                return (item: LineName(product.sku, options: options), quantity: Int64(1))
            }
            let sold = lines.filter { (try? catalog.quote([$0], at: store.id)) != nil }
            #expect(sold.count >= 50, "\(store.id)")
        }
    }
}
