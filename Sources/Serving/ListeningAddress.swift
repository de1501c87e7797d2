import PolicyInterface

/// Where a server listens.
public struct ListeningAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or number of this machine; `0.0.0.0` stands for all its IPv4 networks, `::` for all of them.
    public var host: String
    /// The port; 0 lets the system choose one.
    public var port: Int

    /// Port 8000 of the machine's own loopback, which no other machine can reach, by default.
    public init(host: String = "127.0.0.1", port: Int = 8000) {
        self.host = host
        self.port = port
    }

    /// Whether only this machine can connect.
    public var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether a name or number is always this machine's own.
    static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts[0] == 127 && parts.allSatisfy { $0 != nil }
    }

    /// Checks the port.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        guard (0...65_535).contains(port) else {
            throw InvalidSetting(key: "port", expected: "0...65535", found: port)
        }
        guard !host.isEmpty else {
            throw InvalidSetting(key: "host", expected: "a name or number of this machine", found: "nothing")
        }
    }

    /// As in `127.0.0.1:8000`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
