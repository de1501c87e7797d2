import DPBase
import DPInterface
package import Foundation

/// Records a video of an evaluation as a mosaic of its rollouts.
///
/// Pictures are passed to the encoder as they are made, so that memory does not grow with the length of the video.
/// The tile of an episode that ended keeps its last picture; groups of episodes that run one after another are
/// shown one after another.
///
/// ```text
/// let recorder = MosaicRecorder(file: URL(fileURLWithPath: "rollouts.mp4"))
/// let result = try evaluator.evaluate(policy, observers: [recorder])
/// try recorder.finish()
/// ```
package final class MosaicRecorder: RolloutObserver {
    /// Settings of the video.
    package struct Configuration: Sendable, Equatable {
        /// The largest number of rollouts to show; the first ones are shown.
        package var tiles: Int
        /// Side of a tile's picture, in pixels.
        package var side: Int
        /// Control steps between two pictures.
        package var interval: Int
        /// Pictures per second.
        package var framesPerSecond: Int

        /// By default, 25 tiles and a picture every second step, which shows a robot at 10 Hz at twice its speed.
        package init(tiles: Int = 25, side: Int = 160, interval: Int = 2, framesPerSecond: Int = 10) {
            self.tiles = tiles
            self.side = side
            self.interval = interval
            self.framesPerSecond = framesPerSecond
        }

        /// Checks that the video has a reasonable size.
        /// - Throws: `InputError`.
        package func validate() throws {
            let limits = [
                ("tiles", tiles, 1...400), ("side", side, 8...1024), ("interval", interval, 1...1000),
                ("framesPerSecond", framesPerSecond, 1...120),
            ]
            for (name, value, limit) in limits where !limit.contains(value) {
                throw InputError(
                    key: "evaluation setting video \(name)", expected: "\(limit.lowerBound) ... \(limit.upperBound)",
                    found: value)
            }
        }
    }

    private let file: URL
    private let configuration: Configuration
    private let ffmpeg: String
    private var writer: VideoWriter?
    private var mosaic: Mosaic?
    private var capacity = 0
    private var ended: [Bool] = []

    /// A recorder; the encoder starts with the first picture.
    /// - Parameters:
    ///   - file: the mp4 file to write.
    ///   - configuration: the settings of the video.
    ///   - ffmpeg: the encoder's name, to be found in `PATH`, or its path.
    package init(file: URL, configuration: Configuration = Configuration(), ffmpeg: String = "ffmpeg") {
        self.file = file
        self.configuration = configuration
        self.ffmpeg = ffmpeg
    }

    /// Adds a picture when one is due: at the start, every `interval` steps, and at the end of the last episode shown.
    /// - Throws: `InputError`.
    package func observe(_ rollouts: [Rollout], step: Int) throws {
        let shown = rollouts.prefix(configuration.tiles)
        if step == 0 { try begin(shown) }
        if ended.allSatisfy({ $0 }) { return }
        let isLast = shown.allSatisfy(\.isFinished)
        guard var mosaic, let writer, step % configuration.interval == 0 || isLast else { return }
        self.mosaic = nil  // the grid is drawn in place, not copied
        for (tile, rollout) in shown.enumerated() where !ended[tile] {
            mosaic.show(rollout.environment, rollout.episode, at: tile)
            ended[tile] = rollout.isFinished
        }
        // The end is held for a second.
        for _ in 0..<(isLast ? configuration.framesPerSecond : 1) { try writer.append(mosaic.image) }
        self.mosaic = mosaic
    }

    /// Completes the video and renames the file to its final name.
    /// - Throws: `InputError` or `FileSystemError`.
    package func finish() throws {
        try writer?.finish()
        writer = nil
    }

    /// Starts a group of episodes with an empty grid, of the same size as that of the first group.
    private func begin(_ rollouts: ArraySlice<Rollout>) throws {
        try configuration.validate()
        let cameras = rollouts.first?.environment.observation.images.count ?? 0
        ended = Array(repeating: false, count: rollouts.count)
        if writer == nil {
            let mosaic = Mosaic(tiles: rollouts.count, side: configuration.side, cameras: cameras)
            writer = try VideoWriter(
                file: file, width: mosaic.image.width, height: mosaic.image.height,
                framesPerSecond: configuration.framesPerSecond, ffmpeg: ffmpeg)
            capacity = rollouts.count
        }
        mosaic = Mosaic(tiles: capacity, side: configuration.side, cameras: cameras)
    }
}
