import DPBase
import Foundation
import Logging

/// A dataset in a file, of which only the episode ends have been read.
struct Recording {
    let group: ZarrGroup
    /// The cumulative number of frames at the end of each non-empty episode.
    let episodeEnds: [Int]
    /// The numbers of these episodes in the file, from 0.
    let episodeNumbers: [Int]
    /// The number of episodes without frames.
    let emptyEpisodes: Int
    private let missingChunks: ZarrArray.MissingChunks
    private let logger: Logger

    /// The fraction of absent chunks above which a warning is logged.
    static let tolerableAbsence = 0.03

    init(_ url: URL, missingChunks: ZarrArray.MissingChunks = .fill, logger: Logger) throws {
        group = try ZarrGroup(contentsOf: url)
        self.missingChunks = missingChunks
        self.logger = logger
        let ends = try group.array("meta/episode_ends", missingChunks: missingChunks)
        guard ends.shape.count == 1 else {
            throw InputError(
                at: group.path, key: ends.name, expected: "one dimension", found: "\(ends.shape.count)")
        }
        let all = try ends.integers().map { Int($0) }
        let isEmpty = zip([0] + all, all).map { $0 == $1 }
        episodeNumbers = all.indices.filter { !isEmpty[$0] }
        episodeEnds = episodeNumbers.map { all[$0] }
        emptyEpisodes = all.count - episodeEnds.count
        _ = try InMemoryDataset.checkEpisodeEnds(episodeEnds, numbers: episodeNumbers, source: group.path)
        if emptyEpisodes > 0 {
            let empty = all.indices.filter { isEmpty[$0] }.prefix(8).map { "\($0)" }
            logger.warning(
                """
                \(group.path): \(emptyEpisodes) of \(all.count) episodes have no frames and are left out: \
                \(empty.joined(separator: ", "))\(emptyEpisodes > empty.count ? ", …" : "")
                """)
        }
    }

    var path: String { group.path }
    /// The frames of each non-empty episode.
    var episodes: [Range<Int>] { zip([0] + episodeEnds, episodeEnds).map { $0..<$1 } }
    /// The total number of frames.
    var frameCount: Int { episodeEnds.last ?? 0 }

    /// The names of all features except images.
    /// - Throws: an error when the kind of a feature is unknown.
    var vectorNames: [String] {
        get throws {
            let features = try group.arrays(in: "data")
            guard !features.isEmpty else {
                throw InputError(at: path, key: "data", expected: "at least one feature", found: "none")
            }
            return try features.filter { try !$0.array.get().isImage }.map(\.name)
        }
    }

    /// Returns the array of a feature after checking its length.
    /// - Throws: `InputError` or `FileSystemError`, with the feature and the available ones.
    func array(_ name: String) throws -> ZarrArray {
        let available = try group.arrayNames(in: "data")
        guard available.contains(name) else {
            throw InputError(
                at: path, key: "data/\(name)", expected: "a feature of this name",
                found: available.isEmpty ? "none" : available.joined(separator: ", "))
        }
        let array = try group.array("data/\(name)", missingChunks: missingChunks)
        try check(array)
        let (absent, count) = try array.absentChunks()
        if missingChunks == .fill, Double(absent) > Double(count) * Self.tolerableAbsence {
            logger.warning(
                """
                \(path), data/\(name): \(absent) of \(count) chunks are absent and stand for \
                \(array.metadata.fillValue.map { "\($0)" } ?? "nothing")
                """)
        }
        return array
    }

    /// Checks that there is a feature with a camera's name.
    /// - Throws: `InputError` with the available features.
    func requireImage(_ name: String) throws {
        let available = try group.arrayNames(in: "data")
        guard !available.contains(name) else { return }
        throw InputError(
            at: path, key: "data/\(name)", expected: "an image \"\(name)\"",
            found: "none of this name among \(available.joined(separator: ", "))")
    }

    /// Checks that an array has one row per frame.
    func check(_ array: ZarrArray) throws {
        guard array.shape.first == frameCount else {
            throw InputError(
                at: path, key: array.name, expected: "\(frameCount) frames, as the last of meta/episode_ends says",
                found: array.shape.first.map { "\($0)" } ?? "a single number")
        }
    }
}

extension ZarrArray {
    /// Whether a frame is an image (or several): three or more dimensions.
    var isImage: Bool { shape.count >= 4 }
}
