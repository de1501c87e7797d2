/// An error for a policy that does not return one chunk per request, each with an action to execute.
package struct WrongChunkCount: Error, Equatable, CustomStringConvertible {
    /// The number of requests.
    package let requests: Int
    /// The number of chunks.
    package let chunks: Int

    /// Creates an error.
    package init(requests: Int, chunks: Int) {
        self.requests = requests
        self.chunks = chunks
    }

    /// One line with the expected and the found chunks, and a hint.
    package var description: String {
        """
        policy: expected \(requests) chunks, one per request, each with an action to execute, found \
        \(chunks == requests ? "one with no action" : "\(chunks)"); check its horizon
        """
    }
}
