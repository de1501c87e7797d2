import DPDatasets
import Foundation

/// Appends episodes to the dataset at the path in its argument until it is killed, and prints the number of
/// episodes after each.
///
/// All numbers of an episode are its index in the dataset.
@main struct AppendingProbe {
    static func main() throws {
        let dataset = DatasetDirectory(URL(fileURLWithPath: CommandLine.arguments[1]), features: ["state": [2]])
        var size = try dataset.open()
        while true {
            let frames = 1 + size.episodes % 5
            let values = [Float](repeating: Float(size.episodes), count: 2 * frames)
            let episode = try InMemoryDataset(
                features: [InMemoryDataset.Feature("state", shape: [2], values: values)], episodeEnds: [frames])
            size = try dataset.append(episode)
            // Unbuffered, because a kill would discard a buffer.
            FileHandle.standardOutput.write(Data("\(size.episodes)\n".utf8))
        }
    }
}
