import DPBase

/// A secret that clients send in the header `Authorization: Api-Key KEY`.
///
/// ```swift
/// import Foundation
///
/// let text = try String(contentsOfFile: "key.txt", encoding: .utf8)
/// let key = try AccessKey(text.trimmingCharacters(in: .whitespacesAndNewlines))
/// let web = WebServerConfiguration(address: ListeningAddress(host: "0.0.0.0"), key: key)
/// ```
public struct AccessKey: Sendable {
    private let bytes: [UInt8]

    /// Creates a key of printable characters without spaces.
    /// - Throws: `InputError` when the key is empty, too long, or has other characters, which a header cannot
    ///   hold.
    public init(_ key: String) throws {
        bytes = Array(key.utf8)
        guard (1...4096).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw InputError(
                key: "API key", expected: "1 to 4096 printable ASCII characters without spaces",
                found: "\(bytes.count) bytes")
        }
    }

    /// Whether a header contains the key.
    ///
    /// The time of the comparison reveals nothing about the key except its length.
    func opens(_ authorization: String?) -> Bool {
        guard let authorization else { return false }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "api-key" else { return false }
        let given = Array(parts[1].utf8)
        var difference = given.count ^ bytes.count
        for index in given.indices { difference |= Int(given[index] ^ bytes[index % bytes.count]) }
        return difference == 0
    }
}
