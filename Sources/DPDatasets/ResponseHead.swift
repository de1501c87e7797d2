import DPBase
import Foundation

/// The head of an HTTP response: a status and header fields (RFC 9110).
struct ResponseHead {
    /// The status code.
    let status: Int
    private let features: [String: String]

    /// Removes the head from the front of the bytes; nil while it is incomplete.
    /// - Throws: `InputError` when the bytes do not begin with a head.
    init?(from bytes: inout Data) throws {
        guard let end = bytes.range(of: Data("\r\n\r\n".utf8)) else {
            guard bytes.count < 1 << 16 else { throw Self.malformed }
            return nil
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/"), let status = Int(words[1]) else { throw Self.malformed }
        self.status = status
        var features: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            features[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        self.features = features
        bytes.removeSubrange(..<end.upperBound)
    }

    /// The header field with a lowercase name.
    subscript(name: String) -> String? { features[name] }

    /// Whether another response follows: this one is interim or a redirect.
    var isInterim: Bool { status < 200 || ([301, 302, 303, 307, 308].contains(status) && self["location"] != nil) }

    private static let malformed = InputError(
        at: "response", expected: "the head of an HTTP response", found: "other bytes")
}
