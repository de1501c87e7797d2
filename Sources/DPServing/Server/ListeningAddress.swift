import DPBase

/// The address that a server listens on.
///
/// ```swift
/// let address = ListeningAddress(host: "0.0.0.0", port: 9000)
/// print(address, address.isLoopback)  // 0.0.0.0:9000 false
/// ```
public struct ListeningAddress: Sendable, Equatable, CustomStringConvertible {
    /// A host name or IP address of this machine; `0.0.0.0` stands for all its IPv4 networks, `::` for all its
    /// networks.
    public var host: String
    /// The port; 0 lets the system choose one.
    public var port: Int

    /// Creates an address; by default, port 8000 of the loopback interface, which no other machine can reach.
    public init(host: String = "127.0.0.1", port: Int = 8000) {
        self.host = host
        self.port = port
    }

    /// Whether only this machine can connect.
    public var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a host name or IP address always means this machine.
    static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts[0] == 127 && parts.allSatisfy { $0 != nil }
    }

    /// Checks the port.
    /// - Throws: `InputError`.
    public func validate() throws {
        guard (0...65_535).contains(port) else {
            throw InputError(key: "port", expected: "0...65535", found: port)
        }
        guard !host.isEmpty else {
            throw InputError(key: "host", expected: "a host name or IP address of this machine", found: "nothing")
        }
    }

    /// The address in the form `127.0.0.1:8000`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
