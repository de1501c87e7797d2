/// A setting with which a network cannot be built.
public struct InvalidNetwork: Error, Equatable, CustomStringConvertible {
    /// The setting's name.
    public let setting: String
    /// Which values work.
    public let expected: String
    /// The value that was refused.
    public let found: String

    /// A refusal of a value.
    init(_ setting: String, expected: String, found: some Any) {
        self.setting = setting
        self.expected = expected
        self.found = "\(found)"
    }

    /// The setting, what was expected and what was found.
    public var description: String { "\(setting): expected \(expected), found \(found)" }
}
