import PolicyInterface

/// How much a server takes upon itself for others, and how long it waits for them.
///
/// What is received but not answered takes at most `connections` times a few messages of memory, whatever is sent.
public struct WebServerLimits: Codable, Sendable, Equatable {
    /// Websocket connections at once.
    ///
    /// When there are so many and another one comes, the oldest whose peer has not sent a message for `handshakeTime` or longer since it connected makes room;
    /// when all have, the new one is refused with 503.
    public var connections: Int
    /// Connections that have not said yet what they want; when there are more, the oldest is closed.
    public var handshakes: Int
    /// Bytes of a websocket message; a longer one ends its connection with the code 1009.
    public var messageBytes: Int
    /// How long a connection may take until it is a websocket, or has got the answer to its HTTP request.
    public var handshakeTime: Duration
    /// How long a websocket may send nothing whole, no message and no answer to a ping, until it is closed.
    public var idleTime: Duration
    /// How long a peer may take to accept what is sent to it, until its connection is closed.
    public var writeTime: Duration
    /// How long a peer may take to answer that a connection is to be closed.
    public var closeTime: Duration
    /// How long what is in flight may take when the server shuts down.
    public var shutdownTime: Duration

    enum CodingKeys: String, CodingKey {
        case connections
        case handshakes
        case messageBytes = "message_bytes"
        case handshakeTime = "handshake_time"
        case idleTime = "idle_time"
        case writeTime = "write_time"
        case closeTime = "close_time"
        case shutdownTime = "shutdown_time"
    }

    /// Room for many robots, time for slow networks, by default.
    public init(
        connections: Int = 256, handshakes: Int = 256, messageBytes: Int = 8 << 20,
        handshakeTime: Duration = .seconds(10), idleTime: Duration = .seconds(60), writeTime: Duration = .seconds(20),
        closeTime: Duration = .seconds(2), shutdownTime: Duration = .seconds(10)
    ) {
        self.connections = connections
        self.handshakes = handshakes
        self.messageBytes = messageBytes
        self.handshakeTime = handshakeTime
        self.idleTime = idleTime
        self.writeTime = writeTime
        self.closeTime = closeTime
        self.shutdownTime = shutdownTime
    }

    /// Descriptors that a server leaves to the rest of its process, and to connections that are about to be closed.
    static let reserve = 16

    /// The limits for a process that may open only so many more files and connections.
    ///
    /// A quarter of them, at least, is for connections that are no websockets (yet), such as those that ask for `/healthz`.
    /// - Throws: `InvalidSetting` when there is no room for a server.
    func fitting(_ descriptors: Int) throws -> WebServerLimits {
        let room = descriptors - Self.reserve
        if connections + handshakes <= room { return self }
        guard room >= 4 else {
            throw InvalidSetting(
                key: "open files (ulimit -n)",
                expected: "at least \(FileDescriptors.limit + 4 - room), which leaves room for a few connections",
                found: FileDescriptors.limit)
        }
        var limits = self
        limits.handshakes = min(handshakes, max(room / 4, room - connections))
        limits.connections = min(connections, room - limits.handshakes)
        return limits
    }

    /// Checks that every limit lets something through.
    /// - Throws: `InvalidSetting`.
    public func validate() throws {
        let counts = [
            ("connections", connections, 1...65_536), ("handshakes", handshakes, 1...65_536),
            ("message bytes", messageBytes, 1024...(1 << 30)),
        ]
        for (key, value, range) in counts where !range.contains(value) {
            throw InvalidSetting(key: "server limit, \(key)", expected: "\(range)", found: value)
        }
        let times = [
            ("handshake time", handshakeTime), ("idle time", idleTime), ("write time", writeTime),
            ("close time", closeTime), ("shutdown time", shutdownTime),
        ]
        for (key, time) in times where time <= .zero || time > .seconds(86_400) {
            throw InvalidSetting(key: "server limit, \(key)", expected: "above 0 and at most a day", found: time)
        }
    }
}
