import Foundation
import TensorFiles

/// One exchange with a web server, by the program `curl`, whose answer goes to a file as it arrives.
struct Transfer {
    /// Where the bytes of an answer go.
    struct Start {
        var sink: FileSink
        /// How many bytes of the file are there already.
        var received: Int
        var total: Int?
    }

    /// How an exchange ended.
    struct Result {
        /// How many bytes the whole file has, if the server said so.
        var total: Int?
        /// Why the connection broke.
        var transportError: String?
    }

    /// The most bytes that are accepted.
    let maximumByteCount: Int
    /// Decides from the answer's head where its bytes go.
    let begin: (AnswerHead) throws -> Start
    /// Is told of bytes that have arrived, and how many there will be.
    let progress: (Int, Int?) -> Void

    /// Sends a request and returns when the answer has ended.
    /// - Throws: `DownloadError`, what `begin` throws, or `FileSystemError`.
    func run(_ url: URL, fields: [String: String]) throws -> Result {
        let (process, answer, messages) = (Process(), Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["curl", "--disable", "--silent", "--show-error", "--include", "--suppress-connect-headers", "--globoff"]
            + ["--location", "--max-redirs", "10", "--proto", "=http,https"]
            + ["--connect-timeout", "60", "--speed-time", "60", "--speed-limit", "1"]
            + fields.sorted { $0.key < $1.key }.flatMap { ["--header", "\($0.key): \($0.value)"] }
            + ["--url", url.absoluteString]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = answer
        process.standardError = messages
        do { try process.run() } catch {
            throw DownloadError.noAnswer(url: url, reason: error.localizedDescription)
        }
        defer {
            // Whoever ignores SIGTERM, as a program that ends in its own way does, has children that ignore it too.
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
        let start = try receive(answer.fileHandleForReading, from: url)
        // It says little, so that there is room for all of it while nobody reads.
        let text = String(decoding: messages.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let failure = Self.reason(status: process.terminationStatus, text)
        guard let start else { throw DownloadError.noAnswer(url: url, reason: failure ?? "nothing") }
        return Result(total: start.total, transportError: failure)
    }

    /// Reads the answer to its end, heads first.
    /// - Returns: how it began, or nil if it did not.
    private func receive(_ answer: FileHandle, from url: URL) throws -> Start? {
        var start: Start?
        var pending = Data()
        while case let bytes = answer.availableData, !bytes.isEmpty {
            pending.append(bytes)
            while start == nil {
                do {
                    guard let head = try AnswerHead(from: &pending) else { break }
                    if !head.isInterim { start = try begin(head) }
                } catch is AnswerHead.Malformed {
                    throw DownloadError.noAnswer(url: url, reason: "not HTTP")
                }
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

    /// Why curl gave up, in its own words; nil if it did not.
    private static func reason(status: Int32, _ text: String) -> String? {
        switch status {
        case 0: nil
        case 127: "the program curl is missing"
        default:
            // "curl: (7) Failed to connect …"
            text.split(separator: "\n").last.map { line in
                line.hasPrefix("curl: (") ? String(line.drop { $0 != ")" }.dropFirst(2)) : String(line)
            } ?? "curl ended with status \(status)"
        }
    }
}
