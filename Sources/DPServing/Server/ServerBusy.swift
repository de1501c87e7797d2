/// The error for a request that the server cannot accept at the moment.
enum ServerBusy: Error, CustomStringConvertible {
    case full(waiting: Int)
    case shuttingDown

    /// One line: the problem and what to do.
    var description: String {
        switch self {
        case .full(let waiting): "server: busy, \(waiting) requests are waiting already; try again later"
        case .shuttingDown: "server: shutting down; connect again later"
        }
    }
}
