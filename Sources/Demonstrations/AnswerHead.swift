import Foundation

/// What a web server says before it sends a file: a status and fields (RFC 9110).
struct AnswerHead {
    /// The status code.
    let status: Int
    private let fields: [String: String]

    /// Takes the head off the front of the bytes, or nil while it is not all there.
    /// - Throws: `Malformed` when they do not begin with one.
    init?(from bytes: inout Data) throws {
        guard let end = bytes.range(of: Data("\r\n\r\n".utf8)) else {
            guard bytes.count < 1 << 16 else { throw Malformed() }
            return nil
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/"), let status = Int(words[1]) else { throw Malformed() }
        self.status = status
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        self.fields = fields
        bytes.removeSubrange(..<end.upperBound)
    }

    /// The field of a name in lower case.
    subscript(name: String) -> String? { fields[name] }

    /// Whether another answer follows, from here or from where this one leads.
    var isInterim: Bool { status < 200 || ([301, 302, 303, 307, 308].contains(status) && self["location"] != nil) }

    /// Bytes that are no head.
    struct Malformed: Error {}
}
