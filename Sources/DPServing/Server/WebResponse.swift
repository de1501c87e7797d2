/// A response of a web server.
package struct WebResponse: Sendable, Equatable {
    /// The HTTP status code; 200 for success.
    package var status: Int
    /// The type of the body, such as `text/plain; charset=utf-8`.
    package var contentType: String
    /// The body.
    package var body: [UInt8]

    /// Creates a response with bytes.
    package init(status: Int = 200, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// Creates a response with text.
    package init(status: Int = 200, text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}
