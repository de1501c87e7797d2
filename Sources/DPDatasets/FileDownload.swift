import DPBase
import Foundation

/// A resumable download of one file.
///
/// Bytes go to `NAME.part`; `NAME.part.json` records which edition of which file they belong to.
struct FileDownload {
    let url: URL
    let destination: URL
    /// The maximum number of bytes to accept.
    var maximumByteCount = 4 << 30
    /// The number of attempts before giving up on a broken connection.
    var attempts = 3

    init(from url: URL, to destination: URL) {
        self.url = url
        self.destination = destination
    }

    private var part: URL { destination.appendingPathExtension("part") }
    private var note: URL { part.appendingPathExtension("json") }

    /// The edition of the file on the server.
    struct Edition: Codable, Equatable {
        var url: URL
        /// Its entity tag or modification date, for `If-Range` (RFC 9110, section 13.1.5).
        var validator: String?
        var total: Int?
    }

    /// Downloads the file, which gets its final name only when complete.
    func run(progress: @escaping @Sendable (Int, Int?) -> Void) throws {
        var failure: DownloadError?
        for _ in 0..<attempts {
            do {
                try attempt(progress: progress)
                guard rename(part.path, destination.path) == 0 else {
                    throw FileSystemError(operation: "write", path: destination.path, code: errno)
                }
                try AtomicFile.flush(folder: destination.deletingLastPathComponent())
                forget()
                return
            } catch let error as DownloadError {
                guard case .truncated = error else { throw error }
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Requests the missing bytes and appends them.
    private func attempt(progress: @escaping @Sendable (Int, Int?) -> Void) throws {
        let known = knownEdition()
        let size = known == nil ? 0 : partSize()
        if size > 0, size == known?.total { return }
        var features = ["Accept-Encoding": "identity"]
        if size > 0, let validator = known?.validator {
            features["Range"] = "bytes=\(size)-"
            features["If-Range"] = validator
        }
        let transfer = Transfer(
            maximumByteCount: maximumByteCount,
            begin: { answer in try begin(answer, after: size, of: known) }, progress: progress)
        let result = try transfer.run(url, features: features)

        let received = partSize()
        guard result.transportError == nil, received == result.total ?? received else {
            throw DownloadError.truncated(
                url: url, received: received, total: result.total,
                reason: result.transportError ?? "the connection ended early")
        }
    }

    /// Decides from the server's response whether to continue the partial file or start over.
    private func begin(_ answer: ResponseHead, after size: Int, of known: Edition?) throws -> Transfer.Start {
        let length = answer["content-length"].flatMap { Int($0) }
        var edition = Edition(url: url, validator: Self.validator(answer), total: nil)
        switch answer.status {
        case 200:
            edition.total = length
            try check(edition.total)
            try AtomicFile.write(JSONEncoder().encode(edition), to: note)
            let sink = try FileSink(path: part.path, flags: O_WRONLY | O_CREAT | O_TRUNC)
            return Transfer.Start(sink: sink, received: 0, total: edition.total)
        case 206:
            let range = answer["content-range"].flatMap(ContentRange.init)
            guard let range, range.start == size, known?.total == nil || range.total == known?.total else {
                forget()
                throw DownloadError.truncated(
                    url: url, received: 0, total: known?.total, reason: "the server resumed at another position")
            }
            try check(range.total)
            let sink = try FileSink(path: part.path, flags: O_WRONLY | O_APPEND)
            return Transfer.Start(sink: sink, received: size, total: range.total)
        case 416:
            forget()
            throw DownloadError.truncated(
                url: url, received: 0, total: known?.total,
                reason: "the file on the server is shorter than the partial download")
        default:
            throw DownloadError.status(url: url, code: answer.status)
        }
    }

    private func check(_ total: Int?) throws {
        if let total, total > maximumByteCount {
            throw DownloadError.tooLarge(url: url, size: total, limit: maximumByteCount)
        }
    }

    /// A strong entity tag, or else the modification date: only these guarantee the same bytes.
    private static func validator(_ answer: ResponseHead) -> String? {
        if let tag = answer["etag"], !tag.hasPrefix("W/") { return tag }
        return answer["last-modified"]
    }

    /// The edition of the partial file; nil without a partial file for this URL.
    private func knownEdition() -> Edition? {
        guard let data = try? readFile(at: note, limit: 1 << 20),
            let edition = try? JSONDecoder().decode(Edition.self, from: data),
            edition.url == url
        else { return nil }
        return edition
    }

    private func partSize() -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: part.path)
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    private func forget() {
        try? FileManager.default.removeItem(at: part)
        try? FileManager.default.removeItem(at: note)
    }
}

/// The header `Content-Range: bytes 100-199/200` (RFC 9110, section 14.4).
struct ContentRange: Equatable {
    var start: Int
    var total: Int?

    init?(_ text: String) {
        let parts = text.split(whereSeparator: { " -/".contains($0) })
        guard parts.count == 4, parts[0] == "bytes", let start = Int(parts[1]), start >= 0 else { return nil }
        self.start = start
        total = Int(parts[3])
    }
}
