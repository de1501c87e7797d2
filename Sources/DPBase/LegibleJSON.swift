package import Foundation

extension JSONEncoder {
    /// An encoder for human-readable JSON: indented, with keys in snake_case and sorted, so that equal values give
    /// equal texts.
    package static var legible: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return encoder
    }
}
