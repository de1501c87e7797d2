package import Foundation

/// A download that did not succeed.
package enum DownloadError: Error, Equatable, CustomStringConvertible {
    /// The server responded with something other than the file.
    case status(url: URL, code: Int)
    /// There was no response, or it was malformed.
    case noAnswer(url: URL, reason: String)
    /// Only part of the file arrived.
    case truncated(url: URL, received: Int, total: Int?, reason: String)
    /// The file is larger than the limit.
    case tooLarge(url: URL, size: Int, limit: Int)

    /// One line: where, what was expected, what was found, what to do.
    package var description: String {
        switch self {
        case .status(let url, let code):
            "\(url): expected the file, found HTTP status \(code); check the address"
        case .noAnswer(let url, let reason):
            "\(url): expected a response, found none (\(reason)); check the address and the network"
        case .truncated(let url, let received, let total, let reason):
            "\(url): expected \(total.map(String.init) ?? "all") bytes, found \(received) (\(reason)); "
                + "run it again to continue"
        case .tooLarge(let url, let size, let limit):
            "\(url): expected at most \(limit) bytes, found \(size)"
        }
    }
}
