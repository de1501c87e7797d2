import Foundation

/// The key in a file, which may be a pipe, without the spaces and line ends around it.
/// - Throws: `CommandError` when the file cannot be read.
func key(inFile path: String) throws -> String {
    do {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        // No key is longer.
        let bytes = try file.read(upToCount: 1 << 14) ?? Data()
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
        throw CommandError(place: path, expected: "a file with a key", found: "none that can be read")
    }
}
