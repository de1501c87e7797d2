/// A command that cannot be carried out though its arguments are understood.
struct CommandError: Error, Equatable, CustomStringConvertible {
    /// What is wrong: a path, a setting.
    let place: String
    let expected: String
    let found: String
    /// What can be done about it.
    var hint: String?

    /// One line: where, what was expected, what was found, what to do.
    var description: String { "\(place): expected \(expected), found \(found)" + (hint.map { "; \($0)" } ?? "") }
}
