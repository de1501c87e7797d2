/// Returns the candidate with the fewest changed, added or removed letters (Levenshtein 1966); the first one in a
/// tie.
func nearest(to word: String, among candidates: [String]) -> String? {
    candidates.map { ($0, editDistance(word, $0)) }.min { $0.1 < $1.1 }?.0
}

/// Returns the number of letters to change, add or remove to turn one word into another.
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
