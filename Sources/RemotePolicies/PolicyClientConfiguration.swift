import PolicyInterface

/// How a client talks to a policy server.
public struct PolicyClientConfiguration: Sendable, Equatable {
    /// The server's key, if it wants one.
    public var key: String?
    /// A PEM file of the certificates that a server's is signed with; those that the system trusts if nil.
    public var trustedCertificates: String?
    /// Connections at most; requests that are asked at the same time go over different ones, so that the server can answer them in one batch.
    public var connections: Int
    /// How long connecting may take.
    public var connectTime: Duration
    /// How long an answer may take.
    public var answerTime: Duration
    /// How long nothing may be heard from a server that is asked, no answer and no reply to a ping, until the connection is given up.
    public var silenceTime: Duration
    /// How long a request whose connection is lost is asked again over new ones, from the loss on; 0 for not at all.
    ///
    /// The answer is the same: a request holds all that it depends on.
    public var retryTime: Duration

    /// No key, up to 16 connections, patience for slow machines, by default.
    public init(
        key: String? = nil, trustedCertificates: String? = nil, connections: Int = 16,
        connectTime: Duration = .seconds(10), answerTime: Duration = .seconds(60),
        silenceTime: Duration = .seconds(5), retryTime: Duration = .seconds(10)
    ) {
        self.key = key
        self.trustedCertificates = trustedCertificates
        self.connections = connections
        self.connectTime = connectTime
        self.answerTime = answerTime
        self.silenceTime = silenceTime
        self.retryTime = retryTime
    }

    /// Checks that the key fits a header, and the numbers.
    /// - Throws: `InvalidSetting`, which does not tell the key.
    public func validate() throws {
        if let bytes = key.map({ Array($0.utf8) }),
            !(1...4096).contains(bytes.count) || !bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        {
            throw InvalidSetting(
                key: "API key", expected: "1 to 4096 printable ASCII characters without spaces",
                found: "\(bytes.count) bytes")
        }
        guard (1...1024).contains(connections) else {
            throw InvalidSetting(key: "connections", expected: "1...1024", found: connections)
        }
        let times = [("connect time", connectTime), ("answer time", answerTime), ("silence time", silenceTime)]
        for (key, time) in times {
            guard time > .zero, time <= .seconds(86_400) else {
                throw InvalidSetting(key: key, expected: "above 0 and at most a day", found: time)
            }
        }
        guard retryTime >= .zero, retryTime <= .seconds(86_400) else {
            throw InvalidSetting(key: "retry time", expected: "0 to a day", found: retryTime)
        }
    }
}
