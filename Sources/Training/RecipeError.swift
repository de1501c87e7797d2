/// A recipe that cannot be used.
public struct RecipeError: Error, Equatable, CustomStringConvertible {
    /// The file and line, or `--set`.
    public let place: String
    /// The key inside the recipe, such as `training.batch_size`.
    public let key: String?
    /// What would be right.
    public let expected: String
    /// What was found.
    public let found: String
    /// What can be done about it.
    public let hint: String?

    /// A recipe that cannot be used.
    public init(place: String, key: String?, expected: String, found: String, hint: String? = nil) {
        self.place = place
        self.key = key
        self.expected = expected
        self.found = found
        self.hint = hint
    }

    /// One line: where, what was expected, what was found, what to do.
    public var description: String {
        let key = key.flatMap { place.hasSuffix(" \($0)") ? nil : "\($0): " } ?? ""
        return "\(place): \(key)expected \(expected), found \(found)"
            + (hint.map { "; \($0)" } ?? "")
    }
}

/// The candidate with the fewest changed, added or removed letters (Levenshtein 1966); the first of them at a tie.
func nearest(to word: String, among candidates: [String]) -> String? {
    candidates.map { ($0, editDistance(word, $0)) }.min { $0.1 < $1.1 }?.0
}

/// How many letters must be changed, added or removed to turn one word into another.
func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in right.indices {
            let changed = diagonal + (letter == right[column] ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(changed, row[column] + 1, row[column + 1] + 1)
        }
    }
    return row[right.count]
}
