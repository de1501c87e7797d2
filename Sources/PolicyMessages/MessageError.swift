/// A message that does not say what it has to say.
public struct MessageError: Error, Equatable, CustomStringConvertible {
    /// Where: a byte of the message, a field.
    public let place: String
    /// What should be there.
    public let expected: String
    /// What is there.
    public let found: String
    /// What can be done about it.
    public let hint: String?

    /// A refusal of a message.
    public init(_ place: String, expected: String, found: String, hint: String? = nil) {
        self.place = place
        self.expected = expected
        self.found = found
        self.hint = hint
    }

    /// One line: where, what was expected, what was found, what to do.
    public var description: String { "\(place): expected \(expected), found \(found)" + (hint.map { "; \($0)" } ?? "") }
}

extension String {
    /// The first of its scalars, to be shown; a single character may be made of millions of them.
    func beginning(_ count: Int) -> String { String(unicodeScalars.prefix(count)) }
}
