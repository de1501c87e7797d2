import DPBase

/// The limits on what a server accepts from clients, and on how long it waits for them.
///
/// Received messages without a response take at most `connections` times a few messages of memory.
///
/// ```swift
/// var limits = WebServerLimits(connections: 16, idleTime: .seconds(300))
/// limits.messageBytes = 32 << 20  // for requests with several large images
/// let web = WebServerConfiguration(limits: limits)
/// ```
public struct WebServerLimits: Codable, Sendable, Equatable {
    /// The number of websocket connections at the same time.
    ///
    /// When another client connects at this limit, the server closes the oldest connection that is at least
    /// `handshakeTime` old and whose peer has not sent any message. If there is none, it refuses the new connection
    /// with 503.
    public var connections: Int
    /// The number of connections that have not completed their HTTP request; when there are more, the server closes
    /// the oldest.
    public var handshakes: Int
    /// The largest websocket message in bytes; a longer one ends its connection with the code 1009.
    public var messageBytes: Int
    /// The longest time until a connection must become a websocket or have the response to its HTTP request.
    public var handshakeTime: Duration
    /// The longest time without a complete message or ping response from a peer, until its connection is closed.
    public var idleTime: Duration
    /// The longest time that a peer may take to accept sent data, until its connection is closed.
    public var writeTime: Duration
    /// The longest time that a peer may take to respond to a close frame.
    public var closeTime: Duration
    /// The longest time that responses in flight may take when the server shuts down.
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

    /// Creates limits; by default, for many clients and slow networks.
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

    /// The number of descriptors that a server leaves to the rest of its process, and to connections that are
    /// closing.
    static let reserve = 16

    /// Returns limits for a process that may open only this many more files and connections.
    ///
    /// At least a quarter of them is for connections that are not (yet) websockets, such as requests for
    /// `/healthz`.
    /// - Throws: `InputError` when there is too little room for a server.
    func fitting(_ descriptors: Int) throws -> WebServerLimits {
        let room = descriptors - Self.reserve
        if connections + handshakes <= room { return self }
        guard room >= 4 else {
            throw InputError(
                key: "open files (ulimit -n)",
                expected: "at least \(FileDescriptors.limit + 4 - room), which leaves room for a few connections",
                found: FileDescriptors.limit)
        }
        var limits = self
        limits.handshakes = min(handshakes, max(room / 4, room - connections))
        limits.connections = min(connections, room - limits.handshakes)
        return limits
    }

    /// Checks that every limit is in its range.
    /// - Throws: `InputError`.
    public func validate() throws {
        let counts = [
            ("connections", connections, 1...65_536), ("handshakes", handshakes, 1...65_536),
            ("message bytes", messageBytes, 1024...(1 << 30)),
        ]
        for (key, value, range) in counts where !range.contains(value) {
            throw InputError(key: "server limit, \(key)", expected: "\(range)", found: value)
        }
        let times = [
            ("handshake time", handshakeTime), ("idle time", idleTime), ("write time", writeTime),
            ("close time", closeTime), ("shutdown time", shutdownTime),
        ]
        for (key, time) in times where time <= .zero || time > .seconds(86_400) {
            throw InputError(key: "server limit, \(key)", expected: "above 0 and at most a day", found: time)
        }
    }
}
