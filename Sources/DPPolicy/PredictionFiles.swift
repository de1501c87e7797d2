import DPBase
package import DPInterface
package import Foundation

/// A batch of raw observations from a safetensors file, for programs in other languages.
///
/// The file contains `observation` `[B, To, D]`, or one tensor `observation.NAME` `[B, To, d]` for each observed
/// feature, where `d` counts all components of the feature; `image.NAME` `[B, To, height, width, 3]` for each
/// camera, bytes or numbers in 0 … 255; and optionally the starting noise, `noise` `[B, Tp, A]` in normalized
/// units, which is drawn if absent.
package struct PredictionInput: Sendable, Equatable {
    /// Number of items, the `B` of shapes.
    package let count: Int
    /// Raw observations in double precision, `[B, To, D]`.
    package let doubles: [Double]
    /// The raw observations, rounded to single precision.
    package var observations: [Float] { doubles.map(Float.init) }
    /// The images of each camera by name, `[B, To]`.
    package let images: [String: [RGBImage]]
    /// Starting noise in normalized units, `[B, Tp, A]`.
    package let noise: [Float]?

    /// Reads and checks a file for a policy.
    /// - Throws: `InputError`, which names the tensor that is missing, unknown, of the wrong shape, or not
    ///   finite; `FileSystemError`.
    package init(contentsOf url: URL, for model: DiffusionModel) throws {
        let configuration = model.configuration
        let file = try SafetensorsFile(contentsOf: url)
        let names = configuration.observations.features.map { "observation.\($0.name)" }
        let cameras = configuration.observations.images
        let known = names + cameras.map { "image.\($0.name)" }
        if let unknown = file.tensors.keys.filter({ !(known + ["observation", "noise"]).contains($0) }).min() {
            throw InputError(
                at: file.path, key: unknown,
                expected: """
                    only the tensors noise and observation, or noise and \(Set(known).sorted().joined(separator: ", "))
                    """,
                found: "another tensor", hint: "remove it or correct its name")
        }
        let horizon = configuration.horizon
        let frames = try cameras.map { try file.images($0, length: horizon.observation) }
        images = Dictionary(uniqueKeysWithValues: zip(cameras.map(\.name), frames))
        if model.observationDimension == 0 {
            (count, doubles) = (frames[0].count / horizon.observation, [])
        } else if file.tensors["observation"] != nil || !names.contains(where: { file.tensors[$0] != nil }) {
            if let other = names.first(where: { file.tensors[$0] != nil }) {
                throw InputError(
                    at: file.path, key: other, expected: "observation, or one tensor per feature", found: "both")
            }
            let tensor = try file.doubleBatch("observation", [horizon.observation, model.observationDimension])
            (count, doubles) = (tensor.count, tensor.values)
        } else {
            (count, doubles) = try Self.join(configuration.observations, from: file, length: horizon.observation)
        }
        for (camera, images) in zip(cameras, frames) where images.count != count * horizon.observation {
            throw InputError(
                at: file.path, key: "image.\(camera.name)", expected: "\(count) items, as the others have",
                found: "\(images.count / horizon.observation)")
        }
        guard file.tensors["noise"] != nil else {
            noise = nil
            return
        }
        let tensor = try file.batch("noise", [horizon.prediction, configuration.action.dimension])
        guard tensor.count == count else {
            throw InputError(
                at: file.path, key: "noise", expected: "\(count) items, as many as observations",
                found: "\(tensor.count)")
        }
        noise = tensor.values
    }

    /// Concatenates the features of each observation to a vector.
    private static func join(
        _ schema: ObservationSchema, from file: SafetensorsFile, length: Int
    ) throws -> (count: Int, observations: [Double]) {
        let parts = try schema.features.map { feature in
            let width = feature.size ?? 0
            let tensor = try file.doubleBatch("observation.\(feature.name)", [length, width])
            return (tensor: tensor, width: width, chosen: feature.selectedIndices(ofSize: width))
        }
        let count = parts.first?.tensor.count ?? 0
        if let index = parts.firstIndex(where: { $0.tensor.count != count }) {
            throw InputError(
                at: file.path, key: "observation.\(schema.features[index].name)",
                expected: "\(count) items, as the others have",
                found: "\(parts[index].tensor.count)")
        }
        var rows: [Double] = []
        for row in 0..<count * length {
            for part in parts {
                let start = row * part.width
                for index in part.chosen { rows.append(part.tensor.values[start + index]) }
            }
        }
        return (count, rows)
    }
}

/// A batch of predicted actions to write to a safetensors file.
package struct PredictionOutput: Sendable, Equatable {
    /// Number of items, the `B` of shapes.
    package let count: Int
    /// All predicted actions in raw units, `[B, Tp, A]`.
    package let predictions: [Double]
    /// The actions to execute, `[B, Ta, A]`.
    package let actions: [Double]
    /// Whether the actions need double precision and are written in it.
    package let isDouble: Bool
    /// The image features, `[B, To, F]`; empty by default.
    package var features: [Float] = []
    private let horizon: Horizon
    private let dimension: Int

    /// Creates the output of a policy for a batch.
    /// - Parameters:
    ///   - predictions: raw actions, `[B, Tp, A]`.
    ///   - configuration: the configuration of the policy.
    ///   - isDouble: whether the actions need double precision.
    /// - Precondition: `predictions` contains only whole items.
    package init(_ predictions: [Double], of configuration: PolicyConfiguration, isDouble: Bool = false) {
        let (horizon, dimension) = (configuration.horizon, configuration.action.dimension)
        let size = horizon.prediction * dimension
        precondition(predictions.count % size == 0, "\(predictions.count) numbers for items of \(size)")
        self.predictions = predictions
        self.isDouble = isDouble
        self.horizon = horizon
        self.dimension = dimension
        count = predictions.count / size
        actions = (0..<count).flatMap { item in
            let executed = horizon.executed
            return predictions[
                item * size + executed.lowerBound * dimension..<item * size + executed.upperBound * dimension]
        }
    }

    /// Writes `action` `[B, Ta, A]` and `action_prediction` `[B, Tp, A]`, and `features` `[B, To, F]` if there are any.
    /// - Throws: `FileSystemError`; an existing file is then unchanged.
    package func write(to url: URL) throws {
        func tensor(_ name: String, _ length: Int, _ numbers: [Double]) -> SafetensorsTensor {
            SafetensorsTensor(
                name, shape: [count, length, dimension],
                isDouble ? .float64(numbers) : .float32(numbers.map(Float.init)))
        }
        var tensors = [
            tensor("action", horizon.action, actions), tensor("action_prediction", horizon.prediction, predictions),
        ]
        if !features.isEmpty {
            let rows = count * horizon.observation
            tensors.append(
                SafetensorsTensor(
                    "features", shape: [count, horizon.observation, features.count / rows], .float32(features)))
        }
        try SafetensorsWriter.write(tensors, to: url)
    }
}

extension SafetensorsFile {
    /// Reads the images of a camera, `[B, length, height, width, 3]`.
    fileprivate func images(_ camera: ImageSelection, length: Int) throws -> [RGBImage] {
        let name = "image.\(camera.name)"
        guard let size = camera.size else { return [] }
        let numbers = try batch(name, [length, size.height, size.width, 3]).values
        if let index = numbers.firstIndex(where: { !(0...255).contains($0) }) {
            throw InputError(
                at: path, key: name, expected: "numbers in 0 … 255", found: "\(numbers[index]) at index \(index)")
        }
        if try entry(name).elementType.isFloatingPoint, numbers.allSatisfy({ $0 <= 1 }) {
            throw InputError(
                at: path, key: name, expected: "numbers in 0 … 255", found: "none above 1",
                hint: "multiply numbers in 0 … 1 by 255")
        }
        return stride(from: 0, to: numbers.count, by: size.count).map { start in
            RGBImage(
                width: size.width, height: size.height,
                pixels: numbers[start..<start + size.count].map { UInt8($0.rounded()) })
        }
    }

    /// Reads a tensor of finite numbers whose first dimension is the batch and whose other dimensions are given.
    fileprivate func batch(_ name: String, _ item: [Int]) throws -> (count: Int, values: [Float]) {
        try batch(name, item) { try floats(name) }
    }

    /// Reads a tensor like `batch(_:_:)`, in double precision.
    fileprivate func doubleBatch(_ name: String, _ item: [Int]) throws -> (count: Int, values: [Double]) {
        try batch(name, item) { try doubles(name) }
    }

    private func batch<Number: BinaryFloatingPoint>(
        _ name: String, _ item: [Int], read: () throws -> [Number]
    ) throws -> (count: Int, values: [Number]) {
        let entry = try entry(name)
        guard let count = entry.shape.first, count > 0, Array(entry.shape.dropFirst()) == item else {
            let dimensions = item.map { ", \($0)" }.joined()
            throw InputError(
                at: path, key: name, expected: "shape [B\(dimensions)] with B ≥ 1", found: "\(entry.shape)")
        }
        let values = try read()
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw InputError(
                at: path, key: name, expected: "finite numbers", found: "\(values[index]) at index \(index)")
        }
        return (count, values)
    }
}
