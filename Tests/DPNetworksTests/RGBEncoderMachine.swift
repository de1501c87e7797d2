import DPGraph
import DPNetworks
import TestSupport

/// An image encoder on a backend, with the weights, images, and target of a golden case.
struct RGBEncoderMachine {
    let golden: RGBEncoderGolden
    let table: ParameterTable
    let featureMap: Shape
    private let weights: any DeviceBuffer
    private let gradientBuffer: any DeviceBuffer
    private let executable: any Executable

    init(_ golden: RGBEncoderGolden, on backend: any Backend) throws {
        self.golden = golden
        let encoder = try RGBEncoder(golden.configuration)
        table = ParameterTable(encoder.parameters)
        let builder = GraphBuilder(parameters: table)
        let size = golden.configuration
        let images = builder.input("image", [golden.batch, size.height, size.width, 3])
        let map = encoder.featureMap(images)
        featureMap = map.shape
        let output = encoder(images)
        let loss = output.meanSquaredError(to: builder.input("target", output.shape))
        let graph = builder.graph(
            outputs: [("map", map), ("keypoints", encoder.keypoints(map)), ("output", output), ("loss", loss)],
            gradients: builder.gradients(of: loss, scaledBy: builder.constant([1], [])))
        weights = try backend.makeBuffer(count: table.count)
        gradientBuffer = try backend.makeBuffer(count: table.count)
        executable = try backend.compile(graph, parameters: weights, gradients: gradientBuffer)
        for range in table.ranges {
            weights.write(fillParameter(range.name, shape: range.shape.dimensions), offset: range.offset)
        }
        executable.write("target", fill("input.target", count: output.shape.count))
    }

    /// Computes everything.
    /// - Parameter draw: perturbs each pixel and each norm's gain and bias by up to 2⁻²⁰, about as much as rounding
    ///   changes values near 1 before a ReLU; nil for no perturbation.
    func run(moved draw: Int? = nil) throws {
        func moved(_ values: [Float], _ name: String) -> [Float] {
            guard let draw else { return values }
            return zip(values, fill("\(draw) \(name)", count: values.count, scale: 0x1p-20)).map { $0 + $1 }
        }
        for range in table.ranges where range.shape.rank == 1 {
            let values = fillParameter(range.name, shape: range.shape.dimensions)
            weights.write(moved(values, range.name), offset: range.offset)
        }
        executable.write("image", moved(golden.images, "image"))
        try executable.run(.iteration)
    }

    /// Reads an output.
    func read(_ name: String, count: Int) -> [Float] { executable.read(name, count: count) }

    /// The summaries of the gradients for comparison, in the order of the table.
    var gradients: [GradientSummary] {
        let values = gradientBuffer.values()
        return table.ranges.map { GradientSummary(Array(values[$0.elements])) }
    }
}
