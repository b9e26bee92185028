// What is said about an order once it was placed (Protocol §27.1, §27.2).
extension Order {
    /// What the customer thought of it. The last one counts.
    public struct Feedback: Hashable, Sendable {
        /// 1, the worst, to 5.
        public var rating: Int64
        public var comment: String?
        /// Milliseconds since 1970: when the server took it.
        public var at: UInt64
        /// Whether it waits on this device to be judged.
        public var isPending = false

        package init(rating: Int64, comment: String?, at: UInt64) {
            self.rating = rating
            self.comment = comment
            self.at = at
        }

        /// What a rating may be.
        public static let ratings: ClosedRange<Int64> = Intent.ratings
    }

    /// What the customer or the store wrote on the order's thread.
    public struct Post: Hashable, Sendable {
        /// Milliseconds since 1970: when the server took it.
        public var at: UInt64
        /// `customer`, or the label of the store's token.
        public var by: String
        public var text: String
        /// Whether it waits on this device to be judged.
        public var isPending = false

        package init(at: UInt64, by: String, text: String) {
            self.at = at
            self.by = by
            self.text = text
        }

        public var isCustomers: Bool { by == Self.customer }

        package static let customer = "customer"
        /// Bytes of a text, and of a comment.
        public static let textBytesMax = Intent.textBytesMax
    }

    /// How many posts a thread may have.
    public static let postsMax = 50

    /// Since when the customer has been waiting for the store to answer; `nil` where it has, or was
    /// asked nothing.
    public var askedAt: UInt64? { unanswered.first?.at }

    /// What the customer has written since the store last answered.
    package var unanswered: ArraySlice<Post> {
        let answered = thread.lastIndex { !$0.isCustomers }.map { $0 + 1 } ?? 0
        return thread[answered...]
    }

    /// Adds a post.
    ///
    /// - Returns: false where the thread is full.
    package mutating func add(_ post: Post) -> Bool {
        guard thread.count < Self.postsMax else { return false }
        thread.append(post)
        version += 1
        return true
    }

    private static func field(ofPost index: Int) -> Name {
        Name("post." + String(1_000 + index).dropFirst())
    }

    var threadFields: [(Name, Value)] {
        var fields: [(Name, Value)] = []
        if let feedback {
            var members: [String: Value] = [
                "rating": .int(feedback.rating), "at": .int(Int64(feedback.at)),
            ]
            if let comment = feedback.comment { members["comment"] = .text(comment) }
            fields.append(("feedback", .map(members)))
        }
        return fields
            + thread.enumerated().map { index, post in
                (
                    Self.field(ofPost: index),
                    .array([.int(Int64(post.at)), .text(post.by), .text(post.text)])
                )
            }
    }

    mutating func readThread(_ register: (Name) -> Value?) {
        if let value = register("feedback"), let rating = value["rating"]?.intValue,
            Feedback.ratings.contains(rating)
        {
            feedback = Feedback(
                rating: rating, comment: value["comment"]?.textValue,
                at: Self.milliseconds(value["at"]) ?? 0)
        }
        thread = []
        while thread.count < Self.postsMax, let value = register(Self.field(ofPost: thread.count)) {
            let parts = Self.elements(value)
            guard parts.count == 3, let at = Self.milliseconds(parts[0]),
                let by = parts[1].textValue, let text = parts[2].textValue
            else { return }
            thread.append(Post(at: at, by: by, text: text))
        }
    }
}
