import DPBase
import DPDatasets
import DPPolicy

/// Fills batches with windows, noise and diffusion steps.
///
/// Training reads an endless stream of samples. Sample `n` belongs to epoch `n / N` of `N` windows and is the
/// window at position `n % N` of that epoch's permutation. Update `k` uses samples `k·B ..< (k+1)·B`, so a batch
/// may span two epochs, and every batch is full, which keeps shapes static. All randomness is keyed by the seed and
/// `n`, so batches do not depend on the order of assembly.
struct BatchAssembler: Sendable {
    let data: TrainingData
    let layout: BatchLayout
    let batchSize: Int
    private let noiseSamples: Int
    private let diffusionSteps: Int
    private let jitter: ColorJitter?
    private let key: RandomKey

    init(data: TrainingData, model: DiffusionModel, training: TrainingConfiguration) {
        self.data = data
        layout = BatchLayout(model, masksPadding: !training.lossOnPadding)
        batchSize = training.batchSize
        noiseSamples = training.noiseSamples
        diffusionSteps = model.configuration.diffusion.steps
        jitter = training.colorJitter
        key = RandomKey(seed: training.seed)
    }

    /// The order of the windows in the most recent epoch.
    struct Order {
        fileprivate var epoch = -1
        fileprivate var windows: [Int] = []

        /// Computes the permutation of a number of windows, reusing the previous memory.
        fileprivate mutating func permute(count: Int, by key: RandomKey) {
            if windows.count != count { windows = [Int](repeating: 0, count: count) }
            for window in windows.indices { windows[window] = window }
            key.permute(&windows)
        }
    }

    /// Returns the epoch of the first sample of an update.
    func epoch(ofUpdate update: Int) -> Int { update * batchSize / data.training.count }

    /// Returns an empty batch for training.
    func makeBatch() -> Batch { Batch(count: batchSize, layout: layout, noiseSamples: noiseSamples) }

    /// The size of a batch in bytes.
    var batchByteCount: Int {
        let images = layout.images.reduce(0) { $0 + $1.count }
        let mask = layout.masksPadding ? layout.actionRows : 0
        let numbers =
            layout.observationCount + images + layout.actionCount + mask + noiseSamples * (layout.noiseCount + 1)
        return batchSize * numbers * MemoryLayout<Float>.stride
    }

    /// Fills the batch of an update.
    /// - Parameter order: kept by the caller between calls, so that each epoch is permuted only once.
    func fill(_ batch: Batch, update: Int, order: inout Order) {
        batch.update = update
        batch.epoch = epoch(ofUpdate: update)
        let count = data.training.count
        let augmentation = key.folding("augmentation")
        for item in 0..<batch.count {
            let sample = update * batchSize + item
            if order.epoch != sample / count {
                order.epoch = sample / count
                order.permute(count: count, by: key.folding("order").folding(order.epoch))
            }
            data.fill(
                batch, item: item, from: data.training, window: order.windows[sample % count],
                augmentation: TrainingData.Augmentation(key: augmentation.folding(sample), jitter: jitter))
        }
        fillNoise(batch, firstSample: update * batchSize, key: key.folding("training"))
    }

    /// Fills a batch of held-out windows, starting at sample `first` of a stream that repeats the windows endlessly.
    ///
    /// The noise of a sample is the same in every validation, so that losses are comparable.
    func fillValidation(_ batch: Batch, from windows: SequenceSampler, first: Int) {
        for item in 0..<batch.count {
            data.fill(batch, item: item, from: windows, window: (first + item) % windows.count)
        }
        fillNoise(batch, firstSample: first, key: key.folding("validation"))
    }

    private func fillNoise(_ batch: Batch, firstSample: Int, key: RandomKey) {
        let (noiseKey, stepsKey) = (key.folding("noise"), key.folding("steps"))
        let first = firstSample * batch.noiseSamples
        batch.noise.withUnsafeMutableBufferPointer { noise in
            for item in batch.steps.indices {
                let places = item * layout.noiseCount..<(item + 1) * layout.noiseCount
                noiseKey.folding(first + item).fillNormal(UnsafeMutableBufferPointer(rebasing: noise[places]))
            }
        }
        for item in batch.steps.indices {
            batch.steps[item] = Float(stepsKey.integer(below: diffusionSteps, at: first + item))
        }
    }
}
