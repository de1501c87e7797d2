/// A server that cannot take a request now.
enum ServerBusy: Error, CustomStringConvertible {
    case full(waiting: Int)
    case shuttingDown

    /// One line: what is the matter and what to do.
    var description: String {
        switch self {
        case .full(let waiting): "server: busy, \(waiting) requests wait already; ask again later"
        case .shuttingDown: "server: shutting down; connect again later"
        }
    }
}

/// A policy that does not answer each request once.
struct WrongChunkCount: Error, CustomStringConvertible {
    let requests: Int
    let chunks: Int

    var description: String { "policy: expected \(requests) chunks, one a request, found \(chunks)" }
}
