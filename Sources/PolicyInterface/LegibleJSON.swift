package import Foundation

extension JSONEncoder {
    /// Writes what people read too: indented, keys sorted, so that equal values give equal texts.
    package static var legible: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
