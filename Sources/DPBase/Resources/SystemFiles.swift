internal import Foundation

/// The files in which the operating system describes the computer: those of this computer, or copies of them below
/// another folder.
///
/// A missing or unreadable file yields no value; the caller then relies on the other files.
package struct SystemFiles: Sendable {
    private let root: String

    /// - Parameter root: the folder to use as `/`.
    package init(root: String = "/") { self.root = root }

    /// Returns the text of a file without surrounding white space; nil if it is empty or cannot be read.
    func text(_ path: String) -> String? {
        let place = root == "/" ? path : root + path
        guard let bytes = FileManager.default.contents(atPath: place) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }

    /// Returns the whole number in a file.
    func integer(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    /// Returns the processors that a file lists.
    func processors(_ path: String) -> ProcessorSet? { text(path).flatMap { ProcessorSet($0) } }

    /// Returns the lines of a file.
    func lines(_ path: String) -> [Substring] { text(path)?.split(separator: "\n") ?? [] }

    /// Returns the values by name of a file whose lines are a name, a colon or a space, and a value:
    /// `VmData:	 292 kB`.
    func facts(_ path: String) -> [Substring: Substring] {
        let pairs = lines(path).compactMap { line -> (Substring, Substring)? in
            let parts = line.split(maxSplits: 1) { $0 == ":" || $0 == " " }
            guard parts.count == 2 else { return nil }
            return (parts[0], parts[1].drop { $0.isWhitespace })
        }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// Returns the bytes in a value such as `292 kB`, where kB means KiB; nil for any other text.
func kernelBytes(_ fact: Substring?) -> Int? {
    guard let fact, fact.hasSuffix(" kB"), let count = Int(fact.dropLast(3)), (0..<1 << 50).contains(count) else {
        return nil
    }
    return count << 10
}
