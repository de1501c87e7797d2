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
    /// Its beginning, to be shown in one line: text that came over the network may end lines, change how the rest of them looks, or be a single
    /// character of millions of scalars.
    public func legible(atMost count: Int) -> String {
        let invisible: Set<Unicode.GeneralCategory> = [.control, .format, .lineSeparator, .paragraphSeparator]
        let scalars = unicodeScalars.prefix(count).filter { !invisible.contains($0.properties.generalCategory) }
        return String(String.UnicodeScalarView(scalars))
    }
}
