// The messages of Protocol §5 in both encodings. Each is described once, over WireWriter and
// WireReader.

extension WireWriter {
    mutating func cursor(_ cursor: Cursor) {
        beginArray(2)
        id(cursor.epoch)
        unsigned(cursor.position)
        endArray()
    }

    mutating func request(_ request: SyncRequest) {
        var keys = KeyTable(request.changes)
        var count = 1
        if !request.changes.isEmpty { count += keys.keys.isEmpty ? 2 : 3 }
        count += request.cursor == nil ? 0 : 1
        count += request.ticket == nil ? 0 : 1
        count += request.formerly.isEmpty ? 0 : 1
        count += request.waitSeconds == 0 ? 0 : 1
        count += request.resend.isEmpty ? 0 : 1
        count += request.page == nil ? 0 : 1
        count += request.wantsWhole ? 1 : 0
        beginMap(count)
        member(.replica)
        id(request.replica.rawValue)
        if !request.changes.isEmpty {
            member(.counter)
            unsigned(request.counter)
            changes(request.changes, &keys)
        }
        if let cursor = request.cursor {
            member(.cursor)
            self.cursor(cursor)
        }
        if let ticket = request.ticket {
            member(.ticket)
            id(ticket)
        }
        if !request.formerly.isEmpty {
            member(.formerly)
            beginArray(request.formerly.count)
            for replica in request.formerly { id(replica.rawValue) }
            endArray()
        }
        if request.waitSeconds > 0 {
            member(.wait)
            unsigned(request.waitSeconds)
        }
        if !request.resend.isEmpty {
            member(.resend)
            beginArray(request.resend.count)
            for run in request.resend { self.run(run) }
            endArray()
        }
        if let page = request.page {
            member(.page)
            beginArray(2)
            unsigned(page.position)
            unsigned(page.next)
            endArray()
        }
        if request.wantsWhole {
            member(.whole)
            bool(true)
        }
        endMap()
    }

    mutating func fate(_ fate: Fate) {
        guard fate.sameAs != nil || fate.rejection != nil else {
            unsigned(fate.position)
            return
        }
        beginMap(1 + (fate.sameAs == nil ? 0 : 1) + (fate.rejection == nil ? 0 : 1))
        if let dot = fate.sameAs {
            member(.sameAs)
            self.dot(dot)
        }
        if let rejection = fate.rejection {
            member(.rejected)
            self.rejection(rejection)
        }
        member(.position)
        unsigned(fate.position)
        endMap()
    }

    /// Writes a reply; `events` writes the elements of its runs, `runCount` of them.
    mutating func reply(
        _ reply: SyncReply, runCount: Int, events: (inout Self) -> Void
    ) {
        var count = 3
        count += reply.ticket == nil ? 0 : 1
        count += reply.fates.isEmpty ? 0 : 1
        count += runCount == 0 ? 0 : 1
        count += reply.snapshot == nil ? 0 : 1
        count += reply.hasMore ? 1 : 0
        beginMap(count)
        member(.cursor)
        cursor(reply.cursor)
        if let ticket = reply.ticket {
            member(.ticket)
            id(ticket)
        }
        if !reply.fates.isEmpty {
            member(.fates)
            beginArray(reply.fates.count)
            for fate in reply.fates { self.fate(fate) }
            endArray()
        }
        if runCount > 0 {
            member(.events)
            beginArray(runCount)
            events(&self)
            endArray()
        }
        if let snapshot = reply.snapshot {
            member(.snapshot)
            self.snapshot(snapshot)
        }
        member(.covered)
        unsigned(reply.covered)
        if reply.hasMore {
            member(.more)
            bool(true)
        }
        member(.serverTime)
        time(reply.serverTime)
        endMap()
    }
}

extension WireReader {
    mutating func cursor() throws(WireError) -> Cursor {
        try beginArray()
        try requireElement("a cursor's epoch")
        let epoch = try id()
        try requireElement("a cursor's position")
        let position = try unsigned()
        try endArray("a cursor")
        return Cursor(epoch: epoch, position: position)
    }

    /// A request, and where in its bytes the members of its run are; `nil` where they are written
    /// otherwise than this version writes them.
    mutating func request() throws(WireError) -> (request: SyncRequest, run: Range<Int>?) {
        var request = SyncRequest(replica: ReplicaID(0))
        try beginMap()
        var place = 0..<0
        let (run, hasReplica) = try runMembers(place: &place) { reader, name throws(WireError) in
            try reader.requestMember(name, &request)
        }
        guard hasReplica else { throw fail(.missingMember, "a request names its replica") }
        request.replica = run.replica
        request.counter = run.events.isEmpty ? 1 : run.counter
        request.changes = run.events
        return (request, isAsWritten ? place : nil)
    }

    private mutating func requestMember(
        _ name: MemberName, _ request: inout SyncRequest
    ) throws(WireError) {
        switch name {
        case .known(.cursor): request.cursor = try cursor()
        case .known(.ticket): request.ticket = try id()
        case .known(.formerly):
            try beginArray()
            while try nextElement() {
                guard request.formerly.count < Limits.formerIDsMax else {
                    throw fail(.tooLong, "over \(Limits.formerIDsMax) former ids")
                }
                request.formerly.append(ReplicaID(try id()))
            }
        case .known(.wait): request.waitSeconds = try unsigned(upTo: Limits.waitSecondsMax, "wait")
        case .known(.resend):
            try beginArray()
            while try nextElement() {
                guard request.resend.count < Limits.changesPerBatchMax else {
                    throw fail(.tooLong, "over \(Limits.changesPerBatchMax) runs")
                }
                request.resend.append(try self.run())
            }
        case .known(.page):
            try beginArray()
            try requireElement("a page's position")
            let position = try unsigned()
            try requireElement("a page's next item")
            request.page = SyncRequest.Page(position: position, next: try unsigned())
            try endArray("a page")
        case .known(.whole): request.wantsWhole = try bool()
        case .known, .other: try skip()
        }
    }

    mutating func fate() throws(WireError) -> Fate {
        guard try peek() == .map else { return Fate(position: try unsigned()) }
        var fate = Fate(position: 0)
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.sameAs): fate.sameAs = try dot()
            case .known(.rejected): fate.rejection = try rejection()
            case .known(.position): fate.position = try unsigned()
            default: try skip()
            }
        }
        guard fate.position > 0 else { throw fail(.missingMember, "a fate without position") }
        return fate
    }

    mutating func reply() throws(WireError) -> SyncReply {
        var cursor: Cursor?
        var time: Timestamp?
        var reply = SyncReply(cursor: Cursor(epoch: 0, position: 0), serverTime: .zero)
        try beginMap()
        while let name = try nextMember() {
            switch name {
            case .known(.cursor): cursor = try self.cursor()
            case .known(.ticket): reply.ticket = try id()
            case .known(.fates):
                try beginArray()
                while try nextElement() { reply.fates.append(try fate()) }
            case .known(.events):
                try beginArray()
                while try nextElement() { reply.events.append(try run()) }
            case .known(.snapshot): reply.snapshot = try snapshot()
            case .known(.covered): reply.covered = try unsigned()
            case .known(.more): reply.hasMore = try bool()
            case .known(.serverTime): time = try self.time()
            case .known, .other: try skip()
            }
        }
        guard let cursor, let time else {
            throw fail(.missingMember, "a reply has a cursor and a server_time")
        }
        reply.cursor = cursor
        reply.serverTime = time
        return reply
    }
}
