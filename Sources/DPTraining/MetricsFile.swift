import DPBase
import DPDatasets
package import Foundation

/// `metrics.jsonl`: one JSON object per line for each update, from the first one on, without gaps.
package final class MetricsFile {
    private let url: URL
    private let sink: FileSink
    private let encoder = JSONEncoder()

    /// Opens the file to continue after an update; removes later lines, which will be written again, and an
    /// incomplete last line.
    /// - Parameters:
    ///   - url: the file, which is created if it does not exist.
    ///   - step: the update of the last line to keep; 0 for none.
    /// - Throws: `TrainingError.damaged` when lines up to `step` are missing, or `FileSystemError`.
    package init(contentsOf url: URL, continuingAfter step: Int) throws {
        self.url = url
        encoder.outputFormatting = .sortedKeys
        var end = 0
        if FileManager.default.fileExists(atPath: url.path) {
            end = try Self.end(ofStep: step, in: url)
        } else if step > 0 {
            throw Self.missing(step, found: "no such file", in: url)
        }
        sink = try FileSink(path: url.path, flags: O_WRONLY | O_CREAT | O_APPEND)
        guard truncate(url.path, off_t(end)) == 0 else {
            throw FileSystemError(operation: "shorten", path: url.path, code: errno)
        }
    }

    /// Appends a line.
    /// - Throws: `FileSystemError`.
    package func append(_ row: MetricsRow) throws {
        var line = try encoder.encode(row)
        line.append(UInt8(ascii: "\n"))
        try line.withUnsafeBytes { try sink.write($0) }
    }

    /// Waits until every line is on disk.
    /// - Throws: `FileSystemError`.
    package func flush() throws { try sink.flush() }

    /// Reads the lines of a file; skips an incomplete last line.
    /// - Throws: `TrainingError.damaged` with the first malformed line; or an error when the file cannot be read.
    package static func rows(contentsOf url: URL) throws -> [MetricsRow] {
        let decoder = JSONDecoder()
        return try lines(of: url).enumerated().map { index, line in
            do { return try decoder.decode(MetricsRow.self, from: line.bytes) } catch {
                throw TrainingError.damaged(
                    path: "\(url.path), line \(index + 1)", expected: "the metrics of an update",
                    found: String(decoding: line.bytes.prefix(80), as: UTF8.self), hint: nil)
            }
        }
    }

    /// Returns the complete lines of a file, each with its end position.
    private static func lines(of url: URL) throws -> [(bytes: Data, end: Int)] {
        // Enough for ten million lines.
        let data = try readFile(at: url, limit: 1 << 32)
        var lines: [(Data, Int)] = []
        var start = data.startIndex
        while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append((data[start..<end], end + 1))
            start = end + 1
        }
        return lines
    }

    /// Returns the end position of an update's line.
    private static func end(ofStep step: Int, in url: URL) throws -> Int {
        guard step > 0 else { return 0 }
        let lines = try lines(of: url)
        let row = lines.count >= step ? try? JSONDecoder().decode(MetricsRow.self, from: lines[step - 1].bytes) : nil
        guard row?.step == step else {
            throw missing(step, found: row.map { "step \($0.step)" } ?? "\(lines.count) lines", in: url)
        }
        return lines[step - 1].end
    }

    private static func missing(_ step: Int, found: String, in url: URL) -> TrainingError {
        .damaged(
            path: url.path, expected: "the line of step \(step), the checkpoint's step, as line \(step)",
            found: found, hint: "restore the original file, or start another run")
    }
}
