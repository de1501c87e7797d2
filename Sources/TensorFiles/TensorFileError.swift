/// A file that does not hold what its format, or its reader, requires.
public struct TensorFileError: Error, Equatable, CustomStringConvertible {
    /// The path of the file.
    public let file: String
    /// The tensor, field or JSON key inside the file that is wrong, if it is not the file as a whole.
    public let key: String?
    /// What the reader needs.
    public let expected: String
    /// What the file holds.
    public let found: String
    /// What can be done about it.
    public let hint: String?

    /// A disagreement between a file and its reader.
    public init(file: String, key: String? = nil, expected: String, found: String, hint: String? = nil) {
        self.file = file
        self.key = key
        self.expected = expected
        self.found = found
        self.hint = hint
    }

    /// One line: where, what was expected, what was found, what to do.
    public var description: String {
        let place = key.map { "\(file), \($0)" } ?? file
        return "\(place): expected \(expected), found \(found)" + (hint.map { "; \($0)" } ?? "")
    }
}

extension DecodingError {
    /// What a JSON document lacks, in a few words.
    var reason: String {
        func path(_ context: Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
        return switch self {
        case .keyNotFound(let key, _): "no \"\(key.stringValue)\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "text that is no such JSON" : "\"\(path(context))\" with another kind of value"
        @unknown default: "text that is no such JSON"
        }
    }
}

/// A list of dimensions as people write it: `[25650, 9, 2]`.
func shapeText(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ", ") + "]" }

/// The product of dimensions, or `nil` if one is negative or the product does not fit in an `Int`.
func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for dimension in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
        guard dimension >= 0, !overflow else { return nil }
        count = product
    }
    return count
}
