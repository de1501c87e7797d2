/// A setting whose value cannot work.
public struct InvalidSetting: Error, Equatable, CustomStringConvertible {
    /// The setting's name, as it is spelled where it is set.
    public let key: String
    /// Which values work.
    public let expected: String
    /// The value that was refused.
    public let found: String

    /// A refusal of a value.
    public init(key: String, expected: String, found: some Any) {
        self.key = key
        self.expected = expected
        self.found = "\(found)"
    }

    /// The setting, what was expected and what was found.
    public var description: String { "\(key): expected \(expected), found \(found)" }
}
