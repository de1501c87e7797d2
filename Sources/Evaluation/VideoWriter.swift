public import Foundation
import MachineResources
public import PolicyInterface

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes pictures into an mp4 file as they are made, by piping them to an `ffmpeg` process.
///
/// The video is H.264 with 4:2:0 colour, which every browser plays; odd sizes are padded by one black row or column. It is
/// written under a temporary name and appears only when `finish()` succeeds.
public final class VideoWriter {
    /// The video's file.
    public let file: URL
    /// Width and height of every picture.
    public let size: (width: Int, height: Int)

    private let temporary: URL
    private let log: URL
    private let process = Process()
    private let pipe: FrameSocket
    private var isFinished = true  // until the encoder runs

    /// Starts an encoder.
    /// - Parameters:
    ///   - file: the mp4 file to make; an older one is replaced at the end.
    ///   - width: of every picture, in pixels.
    ///   - height: of every picture, in pixels.
    ///   - framesPerSecond: how fast the pictures are shown.
    ///   - ffmpeg: the encoder's name, looked up in `PATH`, or its path.
    /// - Throws: `VideoError`, when the encoder is missing or cannot be started; `FileWriteError` when the place is taken; `OutOfMemory` when there is
    ///   no room for the encoder.
    public init(file: URL, width: Int, height: Int, framesPerSecond: Int = 10, ffmpeg: String = "ffmpeg") throws {
        precondition(width > 0 && height > 0 && framesPerSecond > 0, "\(width)×\(height), \(framesPerSecond) a second")
        guard let executable = Self.executable(named: ffmpeg) else { throw VideoError.encoderMissing(ffmpeg) }
        try AvailableMemory.check(Self.encoderByteCount)
        let file = try replaceable(file)
        self.file = file
        size = (width, height)
        temporary = temporaryFile(for: file)
        log = FileManager.default.temporaryDirectory.appendingPathComponent("\(temporary.lastPathComponent).log")
        pipe = try FrameSocket()
        guard FileManager.default.createFile(atPath: log.path, contents: nil),
            let messages = FileHandle(forWritingAtPath: log.path)
        else { throw VideoError.failed(file: file.path, reason: "\(log.path) cannot be written") }

        process.executableURL = executable
        process.arguments =
            ["-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24"]
            + ["-video_size", "\(width)x\(height)", "-framerate", "\(framesPerSecond)", "-i", "pipe:0"]
            + ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
            + ["-movflags", "+faststart", "-f", "mp4", "file:\(temporary.path)"]
        process.standardInput = pipe.encoderEnd
        process.standardOutput = FileHandle.nullDevice
        process.standardError = messages  // a file, not a pipe: nobody has to read it for the encoder to go on
        do {
            try process.run()
        } catch {
            try? FileManager.default.removeItem(at: log)
            throw VideoError.failed(file: file.path, reason: "\(executable.path): \(error.localizedDescription)")
        }
        isFinished = false
        pipe.closeEncoderEnd()
        try? messages.close()
    }

    /// What ffmpeg takes for a mosaic of fifty episodes, and some more: the kernel may otherwise end this process in its place.
    private static let encoderByteCount = 256 << 20

    deinit { abandon() }

    /// Adds a picture.
    /// - Precondition: the picture has the video's size.
    /// - Throws: `VideoError.failed`, with the encoder's last words, when it has stopped.
    public func append(_ image: RGBImage) throws {
        precondition(
            image.width == size.width && image.height == size.height && !isFinished,
            "a picture of \(image.width)×\(image.height) for a video of \(size.width)×\(size.height)")
        guard pipe.send(image.pixels) else { throw failure() }
    }

    /// Ends the video and gives the file its name.
    /// - Throws: `VideoError.failed` with the encoder's last words, or `FileWriteError`.
    public func finish() throws {
        precondition(!isFinished, "a video is finished once")
        pipe.close()
        process.waitUntilExit()
        guard process.terminationStatus == 0, process.terminationReason == .exit else { throw failure() }
        do {
            try install(temporary, as: file)
        } catch {
            abandon()
            throw error
        }
        isFinished = true
        try? FileManager.default.removeItem(at: log)
    }

    /// Stops the encoder and leaves nothing behind.
    private func abandon() {
        if isFinished { return }
        isFinished = true
        pipe.close()
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        for leftover in [temporary, log] { try? FileManager.default.removeItem(at: leftover) }
    }

    /// Why the encoder stopped, in its own words.
    private func failure() -> VideoError {
        pipe.close()
        process.waitUntilExit()
        let words = (try? Data(contentsOf: log)).map { String(decoding: $0.suffix(2000), as: UTF8.self) } ?? ""
        let lastLines = words.split(separator: "\n").suffix(3).joined(separator: "; ")
        let status = "ffmpeg ended with status \(process.terminationStatus)"
        abandon()
        return .failed(file: file.path, reason: lastLines.isEmpty ? status : "\(status): \(lastLines)")
    }

    private static func executable(named name: String) -> URL? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let candidates = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }.map { URL(fileURLWithPath: $0) }
    }
}

/// Why a video could not be made.
public enum VideoError: Error, Equatable, CustomStringConvertible {
    /// The encoder is not installed.
    case encoderMissing(String)
    /// The encoder stopped.
    case failed(file: String, reason: String)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .encoderMissing(let name):
            "video: the encoder \(name) was not found in PATH; install it (apt-get install ffmpeg) or leave the video out"
        case .failed(let file, let reason):
            "video \(file): \(reason)"
        }
    }
}
