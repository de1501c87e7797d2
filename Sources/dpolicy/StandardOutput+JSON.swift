import Foundation

extension StandardOutput {
    /// Writes a value as JSON with sorted keys.
    static func write(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        write(line: String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
