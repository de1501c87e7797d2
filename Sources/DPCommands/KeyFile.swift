import DPBase
import Foundation

/// Reads a key from a file or pipe, without surrounding whitespace.
/// - Throws: `InputError` when the file cannot be read.
func key(inFile path: String) throws -> String {
    do {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        // Every valid key is shorter.
        let bytes = try file.read(upToCount: 1 << 14) ?? Data()
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
        throw InputError(at: path, expected: "a file with a key", found: "no readable file")
    }
}
