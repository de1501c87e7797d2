import DPBase
import Foundation

/// One HTTP request, made with the program `curl`, whose response body is written to a file as it arrives.
struct Transfer {
    /// The destination of a response body.
    struct Start {
        var sink: FileSink
        /// The number of bytes of the file that are already there.
        var received: Int
        var total: Int?
    }

    /// The outcome of a request.
    struct Result {
        /// The size of the whole file in bytes, if the server reports it.
        var total: Int?
        /// The reason for a broken connection.
        var transportError: String?
    }

    /// The maximum number of bytes to accept.
    let maximumByteCount: Int
    /// Chooses the destination of the body from the response head.
    let begin: (ResponseHead) throws -> Start
    /// Receives the number of bytes received so far, and the total if known.
    let progress: (Int, Int?) -> Void

    /// Sends a request and returns when the response has ended.
    /// - Throws: `DownloadError`, any error that `begin` throws, or `FileSystemError`.
    func run(_ url: URL, features: [String: String]) throws -> Result {
        let (process, answer, messages) = (Process(), Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["curl", "--disable", "--silent", "--show-error", "--include", "--suppress-connect-headers", "--globoff"]
            + ["--location", "--max-redirs", "10", "--proto", "=http,https"]
            + ["--connect-timeout", "60", "--speed-time", "60", "--speed-limit", "1"]
            + features.sorted { $0.key < $1.key }.flatMap { ["--header", "\($0.key): \($0.value)"] }
            + ["--url", url.absoluteString]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = answer
        process.standardError = messages
        do { try process.run() } catch {
            throw DownloadError.noAnswer(url: url, reason: error.localizedDescription)
        }
        defer {
            // SIGKILL, because a child inherits an ignored SIGTERM.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
        let start = try receive(answer.fileHandleForReading, from: url)
        // The messages fit into the pipe's buffer, so reading them after the response cannot block curl.
        let text = String(decoding: messages.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let failure = Self.reason(status: process.terminationStatus, text)
        guard let start else { throw DownloadError.noAnswer(url: url, reason: failure ?? "nothing") }
        return Result(total: start.total, transportError: failure)
    }

    /// Reads the response to its end, heads first.
    /// - Returns: the destination of the body; nil if no response head arrived.
    private func receive(_ answer: FileHandle, from url: URL) throws -> Start? {
        var start: Start?
        var pending = Data()
        while case let bytes = answer.availableData, !bytes.isEmpty {
            pending.append(bytes)
            while start == nil {
                let head: ResponseHead?
                do { head = try ResponseHead(from: &pending) } catch is InputError {
                    throw DownloadError.noAnswer(url: url, reason: "not HTTP")
                }
                guard let head else { break }
                if !head.isInterim { start = try begin(head) }
            }
            guard start != nil, !pending.isEmpty else { continue }
            start!.received += pending.count
            guard start!.received <= maximumByteCount else {
                throw DownloadError.tooLarge(url: url, size: start!.received, limit: maximumByteCount)
            }
            try pending.withUnsafeBytes { try start!.sink.write($0) }
            pending.removeAll(keepingCapacity: true)
            progress(start!.received, start!.total)
        }
        try start?.sink.flush()
        start?.sink.close()
        return start
    }

    /// The error message of curl; nil if it succeeded.
    private static func reason(status: Int32, _ text: String) -> String? {
        switch status {
        case 0: nil
        case 127: "the program curl is missing: install it"
        default:
            // "curl: (7) Failed to connect …"
            text.split(separator: "\n").last.map { line in
                line.hasPrefix("curl: (") ? String(line.drop { $0 != ")" }.dropFirst(2)) : String(line)
            } ?? "curl ended with status \(status)"
        }
    }
}
