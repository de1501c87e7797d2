public import Foundation
import TensorFiles

/// `metrics.jsonl`: one JSON object a line for each update, from the first on, without gap.
public final class MetricsFile {
    private let url: URL
    private let sink: FileSink
    private let encoder = JSONEncoder()

    /// Opens the file to go on after an update: later lines, which will be written again, and a line that was cut off are removed.
    /// - Parameters:
    ///   - url: the file, which is made if it is not there.
    ///   - step: the update of the last line that stays; 0 for none.
    /// - Throws: `TrainingError.damaged` when lines up to `step` are missing, or `FileSystemError`.
    public init(contentsOf url: URL, continuingAfter step: Int) throws {
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
    public func append(_ row: MetricsRow) throws {
        var line = try encoder.encode(row)
        line.append(UInt8(ascii: "\n"))
        try line.withUnsafeBytes { try sink.write($0) }
    }

    /// Waits until every line is on the disk.
    /// - Throws: `FileSystemError`.
    public func flush() throws { try sink.flush() }

    /// Reads the lines of a file; a last one that was cut off is passed over.
    /// - Throws: `TrainingError.damaged`, with the line that is none of metrics; or when the file cannot be read.
    public static func rows(contentsOf url: URL) throws -> [MetricsRow] {
        let decoder = JSONDecoder()
        return try lines(of: url).enumerated().map { index, line in
            do { return try decoder.decode(MetricsRow.self, from: line.bytes) } catch {
                throw TrainingError.damaged(
                    path: "\(url.path), line \(index + 1)", expected: "the metrics of an update",
                    found: String(decoding: line.bytes.prefix(80), as: UTF8.self), hint: nil)
            }
        }
    }

    /// The complete lines of a file, each with the place of its end.
    private static func lines(of url: URL) throws -> [(bytes: Data, end: Int)] {
        // Room for ten million lines.
        let data = try readFile(at: url, limit: 1 << 32)
        var lines: [(Data, Int)] = []
        var start = data.startIndex
        while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append((data[start..<end], end + 1))
            start = end + 1
        }
        return lines
    }

    /// Where the line of an update ends.
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
            path: url.path, expected: "the line of step \(step), which the checkpoint is of, as number \(step)",
            found: found, hint: "put the file back as it was, or begin another run")
    }
}
