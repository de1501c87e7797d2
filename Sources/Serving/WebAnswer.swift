/// A web server's answer.
public struct WebAnswer: Sendable, Equatable {
    /// The code of HTTP, 200 when all is well.
    public var status: Int
    /// What the body is, such as `text/plain; charset=utf-8`.
    public var contentType: String
    /// The content.
    public var body: [UInt8]

    /// An answer of bytes.
    public init(status: Int = 200, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// An answer of text.
    public init(status: Int = 200, text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}
