import Foundation

/// The address of a policy server: `ws://HOST:PORT`, or `wss://HOST:PORT` for an encrypted connection.
///
/// ```swift
/// let address = try ServerAddress("wss://robot-lab.local/policies/pick-cup")
/// print(address.host, address.port, address.isEncrypted)  // robot-lab.local 443 true
/// ```
public struct ServerAddress: Sendable, Equatable, CustomStringConvertible {
    /// The host name or IP address.
    public let host: String
    /// The port; by default 80, or 443 with `wss`.
    public let port: Int
    /// The path; `/` by default.
    public let path: String
    /// Whether the connection is encrypted.
    public let isEncrypted: Bool

    /// Reads an address.
    /// - Throws: `PolicyClientError.invalidAddress`.
    public init(_ text: String) throws {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["ws", "wss"].contains(scheme), let host = parts.host, !host.isEmpty,
            parts.port.map({ (1...65_535).contains($0) }) ?? true, parts.user == nil, parts.query == nil,
            parts.fragment == nil
        else { throw PolicyClientError.invalidAddress(text) }
        // IPv6 addresses are written in brackets.
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        isEncrypted = scheme == "wss"
        port = parts.port ?? (isEncrypted ? 443 : 80)
        path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
    }

    /// The host and port, as in the header `Host`.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address in the form `ws://HOST:PORT/PATH`.
    public var description: String { "\(isEncrypted ? "wss" : "ws")://\(authority)\(path == "/" ? "" : path)" }
}
