import DPBase
import Foundation

extension StandardOutput {
    /// Writes a value as JSON with sorted keys.
    static func write(json value: some Encodable) throws {
        write(line: String(decoding: try JSONEncoder.legible.encode(value), as: UTF8.self))
    }
}
