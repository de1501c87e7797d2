/// An error for input that cannot be used: a setting, an argument, a file, a message, or an observation.
///
/// ```swift
/// do {
///     let recipe = try RecipeFile.read("recipes/my-arm.yaml", overrides: ["training.batch_size=0"])
///     print("training steps:", recipe.training.steps)
/// } catch let error as InputError {
///     print(error)  // the file with its line, the key, the expected value and the found value
///     if error.key == "training.batch_size" { print("choose a batch size of", error.expected) }
/// }
/// ```
public struct InputError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The location of the input: a file with its line, an option, or a part of a message; nil for a setting on its
    /// own.
    public var place: String?
    /// The key at that location, such as `training.batch_size`; nil if the input as a whole is wrong.
    public var key: String?
    /// The valid values or contents.
    public var expected: String
    /// The value or contents found.
    public var found: String
    /// A remedy.
    public var hint: String?

    /// Creates an error.
    public init(
        at place: String? = nil, key: String? = nil, expected: String, found: some Any, hint: String? = nil
    ) {
        self.place = place
        self.key = key
        self.expected = expected
        self.found = "\(found)"
        self.hint = hint
    }

    /// One line with the location, the expected value, the value found, and the remedy.
    public var description: String {
        let isNamed = key.map { place?.hasSuffix(" \($0)") == true } ?? false
        let location = [place, isNamed ? nil : key].compactMap { $0 }.joined(separator: ", ")
        return "\(location): expected \(expected), found \(found)" + (hint.map { "; \($0)" } ?? "")
    }

    /// Returns the same error with `prefix` before its key: `policy.horizon` for `horizon`.
    package func under(_ prefix: String) -> InputError {
        var error = self
        if place == nil { error.key = key.map { "\(prefix).\($0)" } ?? prefix }
        return error
    }
}

extension InputError {
    /// Runs a check of settings, and puts a prefix before the keys of its errors.
    package static func under<Result>(_ prefix: String, _ check: () throws -> Result) throws -> Result {
        do { return try check() } catch let error as InputError { throw error.under(prefix) }
    }
}
