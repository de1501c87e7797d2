extension DecodingError {
    /// A short description of the error in a JSON document.
    package var reason: String {
        func path(_ context: Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
        return switch self {
        case .keyNotFound(let key, _): "no \"\(key.stringValue)\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "invalid or unexpected JSON" : "\"\(path(context))\" with a value of the wrong type"
        @unknown default: "invalid or unexpected JSON"
        }
    }
}

/// Returns the text of a list of dimensions: `[25650, 9, 2]`.
package func shapeText(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ", ") + "]" }

/// Returns the product of dimensions, or `nil` if one is negative or the product does not fit in an `Int`.
package func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for dimension in shape {
        let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
        guard dimension >= 0, !overflow else { return nil }
        count = product
    }
    return count
}
