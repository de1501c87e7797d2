import DPBase
import DPEvaluation
import DPInterface
import Foundation
import Testing

@Suite("Video")
struct VideoTests {
    static var hasEncoder: Bool { ["ffmpeg", "ffprobe"].allSatisfy { (try? run($0, ["-version"])) != nil } }

    @Test("A video of a few pictures plays: codec, size, rate and number", .enabled(if: hasEncoder, "install ffmpeg"))
    func plays() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("odd size.mp4")
        let writer = try VideoWriter(file: file, width: 33, height: 21)
        for index in 0..<7 {
            try writer.append(RGBImage(width: 33, height: 21, filledWith: (UInt8(30 * index), 100, 200)))
        }
        #expect(!FileManager.default.fileExists(atPath: file.path))
        try writer.finish()
        #expect(try probe(file) == "h264,34,22,yuv420p,10/1,7")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["odd size.mp4"])
    }

    @Test("A mosaic records every second step and holds its last picture", .enabled(if: hasEncoder, "install ffmpeg"))
    func mosaic() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("rollouts.mp4")
        let recorder = MosaicRecorder(file: file, configuration: .init(tiles: 4, side: 64, framesPerSecond: 5))
        _ = try Evaluator(configuration: EvaluationConfiguration(episodes: 6, maxSteps: 9)) {
            LineEnvironment(seed: $0)
        }.evaluate(RandomWalkPolicy(drift: 0), observers: [recorder])
        try recorder.finish()
        // Steps 0, 2, 4, 6, 8 and five pictures of the end; two by two tiles of 76 × 96 and a gap of 4.
        #expect(try probe(file) == "h264,156,196,yuv420p,5/1,10")
    }

    @Test("The error for a missing encoder names it and says how to install it")
    func missing() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("x.mp4")
        let error = #expect(throws: InputError.self) {
            try VideoWriter(file: file, width: 2, height: 2, ffmpeg: "no-such-encoder")
        }
        #expect("\(error!)".contains("no-such-encoder in PATH, found none; install it (apt-get install ffmpeg)"))
    }

    @Test("An encoder that exits early gives an error with its last messages, not a signal or a hang")
    func dies() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("x.mp4")
        // `cat` rejects ffmpeg's options, reports them and exits.
        let writer = try VideoWriter(file: file, width: 640, height: 480, ffmpeg: "cat")
        let picture = RGBImage(width: 640, height: 480, filledWith: (0, 0, 0))
        let error = #expect(throws: InputError.self) {
            for _ in 0..<100 { try writer.append(picture) }
        }
        #expect("\(error!)".contains("ended with status 1: ") && "\(error!)".contains("cat: "))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == [])
    }

    @Test("A folder that does not exist gives the encoder's error", .enabled(if: hasEncoder, "install ffmpeg"))
    func noFolder() throws {
        let writer = try VideoWriter(file: URL(fileURLWithPath: "/nonexistent/x.mp4"), width: 2, height: 2)
        let error = #expect(throws: InputError.self) { try writer.finish() }
        #expect("\(error!)".contains("No such file or directory"))
    }

    @Test(
        "A grid is at least square, with as few gaps as possible",
        arguments: [(1, 1, 1), (25, 5, 5), (50, 10, 5), (7, 4, 2)])
    func grid(tiles: Int, columns: Int, rows: Int) {
        let mosaic = Mosaic(tiles: tiles, side: 8)
        #expect(mosaic.columns == columns && mosaic.rows == rows)
    }

    @Test("A tile shows the picture, a caption and a green frame after success")
    func tile() {
        #expect(Mosaic(tiles: 1, side: 96, cameras: 2).image.width == Mosaic(tiles: 1, side: 96).image.width + 200)
        var mosaic = Mosaic(tiles: 1, side: 96)
        let environment = LineEnvironment(position: 1)
        func pixel(_ x: Int, _ y: Int) -> [UInt8] {
            let index = (y * mosaic.image.width + x) * 3
            return Array(mosaic.image.pixels[index..<index + 3])
        }
        mosaic.show(environment, EpisodeResult(seed: 7, bestReward: 0.5, success: false, steps: 1), at: 0)
        let plain = mosaic.image
        #expect(pixel(60, 80) == [255, 90, 160])
        #expect(pixel(5, 60) == [24, 26, 31])
        mosaic.show(environment, EpisodeResult(seed: 7, bestReward: 0.5, success: true, steps: 1), at: 0)
        #expect(pixel(5, 60) == [46, 190, 96])
        mosaic.show(environment, EpisodeResult(seed: 8, bestReward: 0.5, success: false, steps: 1), at: 0)
        #expect(mosaic.image != plain, "another seed gives another caption")
    }

    private func probe(_ file: URL) throws -> String {
        try VideoTests.run(
            "ffprobe",
            [
                "-v", "error", "-count_frames", "-select_streams", "v", "-of", "csv=p=0", "-show_entries",
                "stream=codec_name,width,height,pix_fmt,r_frame_rate,nb_read_frames", file.path,
            ])
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableNotLoadable) }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
