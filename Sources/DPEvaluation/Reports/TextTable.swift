/// A table of texts under headings: the first column is left-aligned, the numbers in the others are right-aligned.
struct TextTable {
    var headings: [String]
    var rows: [[String]]

    /// The table with its columns aligned, for a terminal.
    var aligned: String {
        let all = [headings] + rows
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let lines = all.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }
        let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
        return ([lines[0], rule] + lines.dropFirst()).joined(separator: "\n")
    }

    /// The table in Markdown.
    var markdown: String {
        let rule = ["---"] + headings.dropFirst().map { _ in "---:" }
        return ([headings, rule] + rows).map { "| \($0.joined(separator: " | ")) |" }.joined(separator: "\n")
    }
}
