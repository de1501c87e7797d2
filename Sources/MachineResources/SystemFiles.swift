internal import Foundation

/// The files in which the operating system says what there is: those of this computer, or copies of them below another
/// folder.
///
/// A file that is missing or cannot be read says nothing; whoever asks goes by what else is known.
public struct SystemFiles: Sendable {
    private let root: String

    /// - Parameter root: the folder that stands for `/`.
    public init(root: String = "/") { self.root = root }

    /// What a file says, without the white space around it; nil if that is nothing.
    func text(_ path: String) -> String? {
        let place = root == "/" ? path : root + path
        guard let bytes = FileManager.default.contents(atPath: place) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }

    /// The whole number that a file consists of.
    func integer(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

    /// The processors that a file lists.
    func processors(_ path: String) -> ProcessorSet? { text(path).flatMap { ProcessorSet($0) } }

    /// The lines of a file.
    func lines(_ path: String) -> [Substring] { text(path)?.split(separator: "\n") ?? [] }

    /// The facts of a file whose lines are a name, a colon or a space, and a value: `VmData:	 292 kB`.
    func facts(_ path: String) -> [Substring: Substring] {
        let pairs = lines(path).compactMap { line -> (Substring, Substring)? in
            let parts = line.split(maxSplits: 1) { $0 == ":" || $0 == " " }
            guard parts.count == 2 else { return nil }
            return (parts[0], parts[1].drop { $0.isWhitespace })
        }
        return Dictionary(pairs) { first, _ in first }
    }
}

/// The bytes in a fact such as `292 kB`, with which the kernel means KiB; nil if it is no such fact.
func kernelBytes(_ fact: Substring?) -> Int? {
    guard let fact, fact.hasSuffix(" kB"), let count = Int(fact.dropLast(3)), (0..<1 << 50).contains(count) else {
        return nil
    }
    return count << 10
}
