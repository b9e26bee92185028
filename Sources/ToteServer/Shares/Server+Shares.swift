internal import ToteCore

// Spaces that several share (Protocol/shares.md): lists of customers, totes of stores' devices.
extension Server {
    /// How many invitations of a share may be open at once.
    private static let invitationsMax: Int64 = 20

    /// Who asks: a customer's own device, or a store's.
    private struct Principal {
        let text: String
        /// What they may make spaces as.
        let makers: [String]
        var isCustomer: Bool { text.utf8.starts(with: "customer:".utf8) }
    }

    /// `nil` for a token that shares nothing: of a part of a customer's space, of an admin.
    private static func principal(_ token: Token) -> Principal? {
        switch token.role {
        case .customer:
            guard let grant = token.grants.first(where: isOwn) else { return nil }
            return Principal(text: grant.space, makers: [grant.space])
        case .staff, .manager:
            let stores = token.grants.map(\.space).filter {
                $0.utf8.starts(with: "store:".utf8)
            }
            return stores.isEmpty ? nil : Principal(text: "token:\(token.id)", makers: stores)
        case .admin, .metrics: return nil
        }
    }

    /// What a token opens of a space: by its own grant, or as a member of the share.
    func grant(_ token: Token, for name: String) throws -> Grant? {
        // Of a share membership alone decides, also for a token that was minted for its name.
        guard Share.kind(of: name) != nil else { return token.grant(for: name) }
        guard let number = try store.spaceNumber(name), let share = try store.share(number),
            share.isOpen(at: clock), let principal = Self.principal(token),
            let member = try store.member(of: number, principal.text)
        else { return nil }
        return Grant(space: name, write: member.role == .viewer ? [] : ["*"])
    }

    /// Answers the routes of shares; `nil` for others.
    func shares(_ route: Route, _ request: ServerRequest) throws -> ServerResponse? {
        switch route.path {
        case "/v1/shares": return try enterShare(request)
        case "/v1/spaces/{space}/invitations": return try invite(request)
        case "/v1/spaces/{space}/members/{member}": return try setRole(request)
        case "/v1/spaces/{space}/end": return try endShare(request)
        default: return nil
        }
    }

    private func asking(_ request: ServerRequest) throws -> Principal {
        guard !request.isOperator, let principal = Self.principal(try authenticate(request)) else {
            throw Problem.notFound
        }
        return principal
    }

    /// `POST /v1/shares`: makes a share, or joins one.
    private func enterShare(_ request: ServerRequest) throws -> ServerResponse {
        let principal = try asking(request)
        let body = try request.members(["space", "seed", "join", "member"])
        let known = body["member"]?.textValue.flatMap { Hex.id($0) }
        guard body["member"] == nil || known != nil && body["join"] == nil else {
            throw Problem(400, "malformed", "member is 16 hex digits, with a space")
        }
        if let text = body["join"]?.textValue, body["space"] == nil, body["seed"] == nil {
            return try join(text, principal)
        }
        if let name = body["space"]?.textValue, body["join"] == nil, body["seed"] == nil,
            Share.kind(of: name) != nil
        {
            // Only asks what one is to it.
            guard let number = try store.spaceNumber(name), let share = try store.share(number)
            else { throw unknown(name, principal) }
            if share.isOpen(at: clock), let member = try member(principal, of: number, name, share)
            {
                return answer(member, name, share.until)
            }
            if try !share.isOpen(at: clock) && store.member(of: number, principal.text) != nil {
                throw Self.left
            }
            throw try gone(number, name, share, principal, known: known)
        }
        guard body["join"] == nil, let name = body["space"]?.textValue,
            let kind = Share.kind(of: name),
            let seed = body["seed"]?.textValue.flatMap({ HandOffID($0) }),
            principal.makers.contains(where: { Share.space(kind, of: $0, seed: seed) == name })
        else {
            throw Problem(
                400, "malformed",
                "send join, or space and seed: 32 hex digits that the space is made of")
        }
        guard kind == .tote || principal.isCustomer else { throw Self.customersOnly }
        let space = try space(name)
        if let share = try store.share(space.number), space.number != 0 {
            guard share.isOpen(at: clock) else { throw Self.ended }
            // The same asked again, for an answer that was lost.
            guard let member = try member(principal, of: space.number, name, share) else {
                throw try gone(space.number, name, share, principal, known: known)
            }
            return answer(member, name, share.until)
        }
        // A restored server may know nothing of what was made since, nor what became of it.
        guard !restoredRights.hasEnded(name) else { throw Self.ended }
        let former = restoredRights.last(of: principal.text, in: name)
        if let former, former.role == nil { throw Self.left }
        try checkRoom(for: principal)
        let today = clock - min(clock, 86_400_000)
        guard try store.sharesMade(with: principal.text, since: today) < Share.madePerDayMax else {
            throw Problem(
                409, "too_many_shares", "\(Share.madePerDayMax) were made within a day: wait")
        }
        try space.store(in: store)
        let until = kind == .tote ? clock + Share.toteMilliseconds : nil
        try store.insertShare(space.number, made: clock, until: until)
        noteDue()
        let member = ShareMember(
            principal: principal.text, member: former?.member ?? randomBits(),
            role: former?.role ?? .owner)
        try record(member, in: space, until: until)
        return answer(member, name, until, status: 201)
    }

    /// What somebody is to a share that is open; who became a member since the backup of a restored
    /// file is one again.
    private func member(
        _ principal: Principal, of number: UInt64, _ name: String, _ share: ShareRow
    ) throws -> ShareMember? {
        if let member = try store.member(of: number, principal.text) { return member }
        guard let last = restoredRights.last(of: principal.text, in: name), let role = last.role,
            try isNewer(last.member, than: store.leftMember(of: number, principal.text))
        else { return nil }
        let member = ShareMember(principal: principal.text, member: last.member, role: role)
        try record(member, in: try space(numbered: number), until: share.until)
        return member
    }

    /// Memberships of one customer count up.
    private func isNewer(_ member: UInt64, than other: UInt64?) -> Bool {
        other.map { Int64(bitPattern: member &- $0) > 0 } ?? true
    }

    /// What somebody is told of a share that the file does not know.
    private func unknown(_ name: String, _ principal: Principal) -> Problem {
        if restoredRights.hasEnded(name) { return Self.ended }
        if let last = restoredRights.last(of: principal.text, in: name), last.role == nil {
            return Self.left
        }
        return Problem.notFound
    }

    /// The membership that somebody had last, and has not any more.
    private func lastLeft(
        _ space: UInt64, _ name: String, _ principal: Principal
    ) throws -> UInt64? {
        let left = try store.leftMember(of: space, principal.text)
        guard let last = restoredRights.last(of: principal.text, in: name), last.role == nil,
            isNewer(last.member, than: left)
        else { return left }
        return last.member
    }

    /// What somebody is told who is no member.
    ///
    /// - Parameter known: the membership that their device has: a later one, of which a restored
    ///   server knows nothing, was not left.
    private func gone(
        _ space: UInt64, _ name: String, _ share: ShareRow, _ principal: Principal, known: UInt64?
    ) throws -> Problem {
        guard let left = try lastLeft(space, name, principal) else { return Problem.notFound }
        // Those of one customer count up.
        let isKnown = known.map { Int64(bitPattern: left &- $0) >= 0 } ?? true
        return isKnown || !share.isOpen(at: clock) ? Self.left : Problem.notFound
    }

    private static let customersOnly = Problem(
        409, "share_customers_only", "a list is shared by customers: a store's device has a tote")
    private static let left = Problem(
        409, "share_left", "this is shared with you no more: remove what is held of it")
    private static let ended = Problem(409, "share_ended", "this share was ended: make a new one")

    private func answer(
        _ member: ShareMember, _ name: String, _ until: UInt64?, status: Int = 200
    ) -> ServerResponse {
        var members: [String: Value] = [
            "space": .text(name), "role": .text(member.role.rawValue),
            "member": .text(Hex.string(member.member)), "server_time": .int(Int64(clock)),
        ]
        if let until { members["until"] = .int(Int64(until)) }
        return json(.map(members), status: status)
    }

    private func checkRoom(for principal: Principal) throws {
        guard try store.shares(of: principal.text).count < Share.sharesMax else {
            throw Problem(
                409, "too_many_shares", "\(Share.sharesMax) spaces are shared: leave one first")
        }
    }

    private func join(_ text: String, _ principal: Principal) throws -> ServerResponse {
        let tries = "share \(principal.text)"
        if let seconds = guesses.locked(tries, at: clock) {
            var problem = Problem(429, "locked", "too many wrong codes: wait")
            problem.retryAfterSeconds = seconds
            throw problem
        }
        let digest = Share.secret(text).map { SHA256.digest(Array($0.text.utf8)) }
        let code = HandOffCode.normal(text)
        guard digest != nil || code != nil,
            var row = try store.invitation(digest: digest, code: code),
            row.taken == principal.text || clock < row.until,
            let name = try store.spaceName(row.space)
        else {
            // A link cannot be guessed: whoever holds an old one may still type a code.
            let left = digest == nil ? guesses.miss(tries, at: clock) : GuessGuard.triesMax
            throw Problem(
                422, "wrong_code", "nobody invites with this now",
                members: [Value.Entry("attempts_left", .int(Int64(left)))])
        }
        guard let share = try store.share(row.space), share.isOpen(at: clock) else {
            throw Self.ended
        }
        guard Share.kind(of: name) == .tote || principal.isCustomer else {
            throw Self.customersOnly
        }
        guard row.taken == nil || row.taken == principal.text else {
            throw Problem(409, "invitation_taken", "somebody has taken this: ask for a new one")
        }
        if let member = try member(principal, of: row.space, name, share) {
            return answer(member, name, share.until)
        }
        guard try row.taken != nil || isOpen(row, of: name) else {
            throw Problem(409, "invitation_taken", "this was taken before: ask for a new one")
        }
        // Whoever was removed meanwhile does not come back by what they took before.
        guard row.taken == nil else {
            throw Problem(409, "invitation_taken", "this was taken before: ask for a new one")
        }
        guard try store.members(of: row.space).count < Share.membersMax else {
            throw Problem(409, "share_full", "\(Share.membersMax) share this: somebody must leave")
        }
        try checkRoom(for: principal)
        row.taken = principal.text
        try store.save(row)
        let member = ShareMember(
            principal: principal.text,
            member: try lastLeft(row.space, name, principal).map { $0 &+ 1 } ?? randomBits(),
            role: row.role)
        try record(member, in: try space(name), until: share.until)
        try note(member, row.role, of: name, by: row.digest)
        return answer(member, name, share.until, status: 201)
    }

    /// Whether an invitation that a restored file has open still was when the server went back:
    /// nobody had taken it, and who made it was an owner.
    private func isOpen(_ row: InvitationRow, of name: String) throws -> Bool {
        guard !restoredRights.hasSpent(row.digest) else { return false }
        guard let inviter = restoredRights.members(of: name)[row.inviter] else { return true }
        return inviter.role == .owner
    }

    /// Notes what somebody became: `nil` for who is no member any more.
    private func note(
        _ member: ShareMember, _ role: Share.Role?, of name: String, by invitation: [UInt8]? = nil
    ) throws {
        try note(
            .member(
                Right.Membership(
                    space: name, member: member.member, role: role,
                    who: Right.digest(member.principal, member.member, of: name),
                    invitation: invitation.map(Right.head))))
    }

    /// How often roles in a share may change within an hour: each change stays on a list.
    private static let roleChangesMax = 60

    private func countRoleChange(in space: UInt64) throws {
        let hour = clock / 3_600_000
        if roleChanges.hour != hour { roleChanges = (hour, [:]) }
        guard roleChanges.bySpace[space] ?? 0 < Self.roleChangesMax else {
            var problem = Problem(
                429, "rate_limited", "\(Self.roleChangesMax) roles changed within the hour: wait")
            problem.retryAfterSeconds = Int((3_600_000 - clock % 3_600_000 + 999) / 1_000)
            throw problem
        }
        roleChanges.bySpace[space, default: 0] += 1
    }

    /// Keeps what somebody is to a share, and tells the others, and their own devices.
    private func record(_ member: ShareMember, in space: Space, until: UInt64?) throws {
        try store.save(member, of: space.number)
        try tell(
            Share.write(
                Name(Hex.string(member.member)), .map(["role": .text(member.role.rawValue)]),
                in: space.documents), in: space)
        var members: [String: Value] = [
            "role": .text(member.role.rawValue), "member": .text(Hex.string(member.member)),
        ]
        if let until { members["until"] = .int(Int64(until)) }
        try tellOwn(member, of: space.name, .map(members))
    }

    private func tell(_ write: Write, in space: Space) throws {
        try space.store(in: store)
        try space.writeOwn([write], by: judge(space, Grant(space: space.name)))
        try noteWritten(space)
    }

    /// Writes into a customer's own space what they share; a store's device has none.
    private func tellOwn(_ member: ShareMember, of share: String, _ value: Value?) throws {
        guard member.principal.utf8.starts(with: "customer:".utf8),
            try value != nil || store.spaceNumber(member.principal) != nil
        else { return }
        let own = try space(member.principal)
        try tell(Share.write(Name(share), value, in: own.documents), in: own)
    }

    /// Takes somebody out of a share: they open it no more from now on.
    private func remove(_ member: ShareMember, of space: Space) throws {
        try store.remove(member, of: space.number)
        try store.withdrawInvitations(of: member, to: space.number)
        try tell(
            Share.write(Name(Hex.string(member.member)), nil, in: space.documents), in: space)
        try tellOwn(member, of: space.name, nil)
    }

    /// What somebody asks of a share that they are a member of.
    private func asked(
        _ request: ServerRequest
    ) throws -> (space: Space, share: ShareRow, self: ShareMember) {
        let principal = try asking(request)
        let name = request.path[2]
        guard Share.kind(of: name) != nil, let number = try store.spaceNumber(name),
            let share = try store.share(number), share.isOpen(at: clock),
            let member = try store.member(of: number, principal.text)
        else { throw Problem.notFound }
        return (try space(name), share, member)
    }

    private static let ownersOnly = Problem(
        409, "owner_only", "only an owner of the share does that")

    /// `POST /v1/spaces/{space}/invitations`.
    private func invite(_ request: ServerRequest) throws -> ServerResponse {
        let (space, _, member) = try asked(request)
        let body = try request.members(["secret", "role", "for_s"])
        guard let secret = body["secret"]?.textValue.flatMap({ HandOffID($0) }),
            let role = body["role"]?.textValue.flatMap(Share.Role.init(rawValue:))
        else {
            throw Problem(
                400, "malformed",
                "secret is 32 hex digits that the device drew, role is one of "
                    + Share.Role.allCases.map(\.rawValue).joined(separator: ", "))
        }
        let seconds = body["for_s"].map { $0.intValue ?? 0 } ?? Share.secondsUsual
        guard Share.secondsRange.contains(seconds) else {
            let range = Share.secondsRange
            throw Problem(
                400, "malformed",
                "for_s is seconds, from \(range.lowerBound) to \(range.upperBound)")
        }
        guard member.role == .owner else { throw Self.ownersOnly }
        let digest = SHA256.digest(Array(secret.text.utf8))
        if let row = try store.invitation(digest: digest) {
            // The same asked again, for an answer that was lost.
            guard row.space == space.number else { throw Problem.notFound }
            return answer(row, secret)
        }
        guard try store.openInvitations(of: space.number, at: clock) < Self.invitationsMax else {
            throw Problem(
                409, "too_many_invitations",
                "\(Self.invitationsMax) invitations are open: wait until one is taken or over")
        }
        let row = InvitationRow(
            digest: digest, code: seconds <= Share.codeSecondsMax ? try freshInvitation() : nil,
            space: space.number, inviter: member.member, role: role,
            until: clock + UInt64(seconds) * 1_000)
        try store.save(row)
        return answer(row, secret, status: 201)
    }

    private func freshInvitation() throws -> String {
        for _ in 0..<64 {
            let code = HandOffCode.code(randomBits())
            if try store.invitation(code: code) == nil { return code }
        }
        throw StoreError.corrupt("no code for an invitation is free")
    }

    private func answer(
        _ row: InvitationRow, _ secret: HandOffID, status: Int = 200
    ) -> ServerResponse {
        var members: [String: Value] = [
            "link": .text(Share.link(secret)), "role": .text(row.role.rawValue),
            "until": .int(Int64(row.until)), "server_time": .int(Int64(clock)),
        ]
        if let code = row.code { members["code"] = .text(code) }
        return json(.map(members), status: status)
    }

    /// `POST /v1/spaces/{space}/members/{member}`: another role, or none.
    private func setRole(_ request: ServerRequest) throws -> ServerResponse {
        let (space, share, caller) = try asked(request)
        let body = try request.members(["role"])
        let word = body["role"]?.textValue
        let role = word.flatMap(Share.Role.init(rawValue:))
        guard role != nil || word == "none" else {
            throw Problem(400, "malformed", "role is owner, editor, viewer or none")
        }
        let members = try store.members(of: space.number)
        guard let id = Hex.id(request.path[4]),
            var target = members.first(where: { $0.member == id })
        else { throw Problem.notFound }
        guard caller.role == .owner || (target == caller && role == nil) else {
            throw Self.ownersOnly
        }
        if target.role == .owner, role != .owner, members.count(where: { $0.role == .owner }) == 1 {
            guard members.count == 1, role == nil else {
                throw Problem(
                    409, "last_owner",
                    "a share has an owner: make another member one first, or "
                        + "end it")
            }
            try note(.share(space.name))
            try end(space)
            return json(.map(["role": .text("none")]))
        }
        guard target.role != role else { return json(.map(["role": .text(target.role.rawValue)])) }
        try countRoleChange(in: space.number)
        try note(target, role, of: space.name)
        if let role {
            target.role = role
            if role != .owner { try store.withdrawInvitations(of: target, to: space.number) }
            try record(target, in: space, until: share.until)
        } else {
            try remove(target, of: space)
        }
        return json(.map(["role": .text(role?.rawValue ?? "none")]))
    }

    /// `POST /v1/spaces/{space}/end`: for all members.
    private func endShare(_ request: ServerRequest) throws -> ServerResponse {
        let (space, _, member) = try asked(request)
        _ = try request.members([])
        guard member.role == .owner else { throw Self.ownersOnly }
        try note(.share(space.name))
        try end(space)
        return json(.map(["role": .text("none")]))
    }

    /// Ends a share: nothing is left of it but that it was.
    private func end(_ space: Space) throws {
        for member in try store.members(of: space.number) {
            try tellOwn(member, of: space.name, nil)
        }
        try store.endShare(space.number, at: clock)
        try store.removeDocuments(of: space.number)
        forgetSpace(space.name)
    }

    /// Gives the members of a share that a restored file has what they were at last, and ends what
    /// was ended. Who became a member since does so again when they ask.
    ///
    /// - Returns: whether the file had something else.
    func changeAgain(_ name: String) throws -> Bool {
        guard let number = try store.spaceNumber(name), let share = try store.share(number),
            share.ended == nil
        else { return false }
        let space = try space(numbered: number)
        guard !restoredRights.hasEnded(name) else {
            try end(space)
            return true
        }
        let latest = restoredRights.members(of: name)
        var hasChanged = false
        for var member in try store.members(of: number) {
            guard let last = latest[member.member], last.role != member.role else { continue }
            hasChanged = true
            if let role = last.role {
                if role != .owner { try store.withdrawInvitations(of: member, to: number) }
                member.role = role
                try record(member, in: space, until: share.until)
            } else {
                try remove(member, of: space)
            }
        }
        if try !appointHeir(of: space, until: share.until, without: nil) { try end(space) }
        return hasChanged
    }

    /// Makes somebody an owner where nobody is any more.
    ///
    /// - Parameter principal: who is about to go.
    /// - Returns: whether anybody has it still.
    private func appointHeir(
        of space: Space, until: UInt64?, without principal: String?
    ) throws -> Bool {
        // Whom a restored file does not know, and who is a member again when they ask.
        let there = Set(try store.memberNumbers(of: space.number))
        let absent = restoredRights.members(of: space.name).values.filter {
            $0.role != nil && !there.contains($0.member)
        }
        guard !absent.contains(where: { $0.role == .owner }) else { return true }
        let heir = try store.members(of: space.number).filter {
            try $0.principal != principal && isThere($0)
        }.max {
            ($0.role, $0.principal.hasPrefix("customer:") ? 1 : 0)
                < ($1.role, $1.principal.hasPrefix("customer:") ? 1 : 0)
        }
        guard var heir else { return !absent.isEmpty }
        if heir.role != .owner {
            heir.role = .owner
            try note(heir, .owner, of: space.name)
            try record(heir, in: space, until: until)
        }
        return true
    }

    /// Ends the shares whose time is over.
    func endDueShares() throws {
        for number in try store.dueShares(at: clock, most: 100) {
            try end(try space(numbered: number))
        }
    }

    /// Takes somebody who is erased out of all that they share. What they wrote into it stays the
    /// others'; what nobody shares with them ends.
    func leaveShares(_ principal: String) throws {
        for number in try store.shares(of: principal) {
            let space = try space(numbered: number)
            let members = try store.members(of: number)
            let until = try store.share(number)?.until
            for member in members where member.principal == principal {
                try note(member, nil, of: space.name)
            }
            guard try appointHeir(of: space, until: until, without: principal) else {
                try note(.share(space.name))
                try end(space)
                continue
            }
            for member in members where member.principal == principal {
                try remove(member, of: space)
            }
        }
        try store.forgetPrincipal(principal)
    }

    /// Whether there is somebody to ask: a store's device has a token that is taken.
    private func isThere(_ member: ShareMember) throws -> Bool {
        guard let id = Name(member.principal).text(after: "token:") else { return true }
        return try tokens.token(id: id)?.isValid(at: clock) ?? false
    }

    /// Drops what is left of shares that ended long ago: by then no device can make them anew.
    func forgetOldShares() throws {
        for (kind, milliseconds) in [
            (Share.Kind.tote, 7 * Share.toteMilliseconds), (.list, Limits.fateMilliseconds),
        ] {
            let since = clock - min(clock, milliseconds)
            for name in try store.forgetShares(ofKind: kind, endedBefore: since) {
                forgetSpace(name)
            }
        }
    }
}
