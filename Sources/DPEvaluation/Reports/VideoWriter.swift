import DPBase
package import DPInterface
package import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes pictures into an mp4 file as they are made, by piping them to an `ffmpeg` process.
///
/// The video is H.264 with 4:2:0 color, which every browser plays; odd sizes are padded by one black row or column.
/// It is written under a temporary name and appears only when `finish()` succeeds.
package final class VideoWriter {
    /// The video's file.
    package let file: URL
    /// Width and height of every picture.
    package let size: (width: Int, height: Int)

    private let temporary: URL
    private let log: URL
    private let process = Process()
    private let pipe: FrameSocket
    private var isFinished = true  // until the encoder runs

    /// Starts an encoder.
    /// - Parameters:
    ///   - file: the mp4 file to write; an existing one is replaced at the end.
    ///   - width: the width of every picture, in pixels.
    ///   - height: the height of every picture, in pixels.
    ///   - framesPerSecond: pictures shown per second.
    ///   - ffmpeg: the encoder's name, to be found in `PATH`, or its path.
    /// - Throws: `InputError` when the encoder is missing or cannot be started; `FileSystemError` when the path is
    ///   not a file's; `OutOfMemory` when there is not enough memory for the encoder.
    package init(file: URL, width: Int, height: Int, framesPerSecond: Int = 10, ffmpeg: String = "ffmpeg") throws {
        precondition(width > 0 && height > 0 && framesPerSecond > 0, "\(width)×\(height), \(framesPerSecond) a second")
        guard let executable = Self.executable(named: ffmpeg) else {
            throw InputError(
                at: "video", expected: "the encoder \(ffmpeg) in PATH", found: "none",
                hint: "install it (apt-get install ffmpeg) or omit the video")
        }
        try AvailableMemory.check(Self.encoderByteCount)
        let file = try AtomicFile.replaceable(file)
        self.file = file
        size = (width, height)
        temporary = AtomicFile.temporary(for: file)
        log = FileManager.default.temporaryDirectory.appendingPathComponent("\(temporary.lastPathComponent).log")
        pipe = try FrameSocket()
        guard FileManager.default.createFile(atPath: log.path, contents: nil),
            let messages = FileHandle(forWritingAtPath: log.path)
        else { throw FileSystemError(operation: "write", path: log.path, code: errno) }

        process.executableURL = executable
        process.arguments =
            ["-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24"]
            + ["-video_size", "\(width)x\(height)", "-framerate", "\(framesPerSecond)", "-i", "pipe:0"]
            + ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
            + ["-movflags", "+faststart", "-f", "mp4", "file:\(temporary.path)"]
        process.standardInput = pipe.encoderEnd
        process.standardOutput = FileHandle.nullDevice
        process.standardError = messages  // a file, not a pipe that would have to be read
        do {
            try process.run()
        } catch {
            try? FileManager.default.removeItem(at: log)
            throw InputError(
                at: "video \(file.path)", expected: "the encoder \(executable.path) to start",
                found: error.localizedDescription)
        }
        isFinished = false
        pipe.closeEncoderEnd()
        try? messages.close()
    }

    /// The free memory required to start ffmpeg: enough for a mosaic of fifty episodes, with a margin.
    ///
    /// If memory ran out while ffmpeg runs, the kernel might kill this process instead of ffmpeg.
    private static let encoderByteCount = 256 << 20

    deinit { abandon() }

    /// Adds a picture.
    /// - Precondition: the picture has the video's size.
    /// - Throws: `InputError`, with the encoder's last messages, when it has stopped.
    package func append(_ image: RGBImage) throws {
        precondition(
            image.width == size.width && image.height == size.height && !isFinished,
            "a picture of \(image.width)×\(image.height) for a video of \(size.width)×\(size.height)")
        guard pipe.send(image.pixels) else { throw failure() }
    }

    /// Completes the video and renames the file to its final name.
    /// - Throws: `InputError` with the encoder's last messages, or `FileSystemError`.
    package func finish() throws {
        precondition(!isFinished, "a video is finished once")
        pipe.close()
        process.waitUntilExit()
        guard process.terminationStatus == 0, process.terminationReason == .exit else { throw failure() }
        do {
            try AtomicFile.flush(temporary, andInstallAs: file)
        } catch {
            abandon()
            throw error
        }
        isFinished = true
        try? FileManager.default.removeItem(at: log)
    }

    /// Stops the encoder and removes the temporary files.
    private func abandon() {
        if isFinished { return }
        isFinished = true
        pipe.close()
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        for leftover in [temporary, log] { try? FileManager.default.removeItem(at: leftover) }
    }

    /// Returns the error of a stopped encoder, with its last messages.
    private func failure() -> InputError {
        pipe.close()
        process.waitUntilExit()
        let words = (try? Data(contentsOf: log)).map { String(decoding: $0.suffix(2000), as: UTF8.self) } ?? ""
        let lastLines = words.split(separator: "\n").suffix(3).joined(separator: "; ")
        let status = "ffmpeg ended with status \(process.terminationStatus)"
        abandon()
        return InputError(
            at: "video \(file.path)", expected: "a video by ffmpeg",
            found: lastLines.isEmpty ? status : "\(status): \(lastLines)")
    }

    private static func executable(named name: String) -> URL? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let candidates = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }.map { URL(fileURLWithPath: $0) }
    }
}
